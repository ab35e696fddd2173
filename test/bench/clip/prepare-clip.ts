import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promptsOf } from '../../../services/core/domain/policy.ts'
import { packageRoot } from '../../../services/core/infra/package-root.ts'
import { loadPolicies } from '../../../services/core/infra/policy-loader.ts'
import { photosOf, writePhotos } from '../photos.ts'
import { asQuantised, writeRandomClip } from './random-clip.ts'

/** Folders of ViT-B/32 with random weights, photos of 0.3 MP as they are and as files, and twelve prompts with the folder of a policy that asks them. */
export type Setting = {
  dir: string
  clip: string
  quantised: string
  photos: Buffer[]
  files: string[]
  prompts: string[]
  policies: string
}

const PROMPTS = 12

/** Makes what the parts of the bench that run ViT-B/32 share, once in a folder. */
export async function prepareClip(dir: string): Promise<Setting> {
  const clip = path.join(dir, 'clip')
  const quantised = path.join(dir, 'clip-q8')
  if (!existsSync(quantised)) {
    await writeRandomClip(clip)
    await asQuantised(clip, quantised)
  }
  const photos = await photosOf(640, 480)
  const prompts = await shippedPrompts()
  return {
    dir,
    clip,
    quantised,
    photos,
    files: await writePhotos(photos, dir),
    prompts,
    policies: await writePolicy(dir, prompts),
  }
}

/**
 * Of all that the shipped policies ask, in their order, some at equal distances: who reads prompts with each picture pays for their number and for the tokens of
 * the longest, which are to be those of real policies. Short ones like "a photo of a cat" would flatter that peer, long ones us.
 */
async function shippedPrompts(): Promise<string[]> {
  const { policies } = await loadPolicies(path.join(packageRoot, 'policies'))
  const all = [...new Set(policies.flatMap(promptsOf))]
  return Array.from({ length: PROMPTS }, (_, i) => all[Math.floor((i * all.length) / PROMPTS)] as string)
}

async function writePolicy(dir: string, prompts: string[]): Promise<string> {
  const policies = path.join(dir, 'policies')
  await mkdir(policies, { recursive: true })
  const half = prompts.length / 2
  await writeFile(
    path.join(policies, 'bench.yaml'),
    `id: bench
title: Twelve prompts
mode: enforce
templates: ["{}"]
rules:
  - id: twelve
    concepts: ${JSON.stringify(prompts.slice(0, half))}
    contrast: ${JSON.stringify(prompts.slice(half))}
    thresholds: { default: { flag: 0.9 } }
`,
  )
  return policies
}
