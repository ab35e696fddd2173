import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { copyTinyModel } from '../support/parity.ts'

/** A model of random numbers, in the layout of every other, and policies whose thresholds it can be held to. */
export async function layOutStub(dir: string): Promise<{ PIXWARDEN_MODEL: string; PIXWARDEN_POLICIES: string }> {
  const policies = path.join(dir, 'policies')
  await mkdir(policies)
  for (const id of ['animals', 'vehicles']) await writeFile(path.join(policies, `${id}.yaml`), policy(id))
  return { PIXWARDEN_MODEL: await copyTinyModel('tiny-clip', path.join(dir, 'model')), PIXWARDEN_POLICIES: policies }
}

function policy(id: string): string {
  return `id: ${id}
title: ${id}
mode: enforce
rules: [{ id: rule, concepts: [${id}], contrast: [a blank page], thresholds: { flag: 0.5 } }]
`
}
