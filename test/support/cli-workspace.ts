import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { packageRoot } from '../../services/core/infra/package-root.ts'
import { type CliRun, runCli } from './cli.ts'

export const SAMPLE_PHOTOS = path.join(packageRoot, 'policies', 'samples')

/** A policy that flags cat.jpg and no other sample photo. */
export const ANIMALS = `id: live-animals
title: Live animals are not sold here
mode: enforce
templates: ["a photo of {}.", "a close-up photo of {}."]
rules:
  - id: animal
    concepts: [a cat, a dog, a bird]
    contrast: [food, a building, clothing]
    thresholds: { flag: 0.6 }
tests:
  - { image: ../photos/cat.jpg, expect: flag }
  - { image: ../photos/coffee.jpg, expect: approve, rule: animal }
`

export type Workspace = Awaited<ReturnType<typeof createWorkspace>>

/** A temporary folder with the policy above in policies/animals.yaml and two samples, cat.jpg and coffee.jpg, in photos/. Commands run in it. */
export async function createWorkspace() {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'pixwarden-cli-'))
  const at = (name: string) => path.join(dir, name)
  const write = async (name: string, content: string | Uint8Array) => {
    await mkdir(path.dirname(at(name)), { recursive: true })
    await writeFile(at(name), content)
  }
  const photo = async (sample: string, name: string) => {
    await mkdir(path.dirname(at(name)), { recursive: true })
    await copyFile(path.join(SAMPLE_PHOTOS, sample), at(name))
  }
  await write('policies/animals.yaml', ANIMALS)
  await photo('cat.jpg', 'photos/cat.jpg')
  await photo('coffee.jpg', 'photos/coffee.jpg')
  const run = (...args: string[]): Promise<CliRun> => runCli(args, { cwd: dir })

  return {
    dir,
    at,
    write,
    /** Copies a sample photo. */
    photo,
    run,
    scan: (...args: string[]) => run('scan', '--policies', 'policies', '--decoders', '1', ...args),
    lint: (...args: string[]) => run('policy', 'lint', 'policies', ...args),
    test: (...args: string[]) => run('policy', 'test', 'policies', ...args),
    remove: () => rm(dir, { recursive: true, force: true }),
  }
}
