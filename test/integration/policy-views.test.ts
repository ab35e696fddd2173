import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RuleResult } from '../../services/core/domain/decide.ts'
import type { LoadedPolicy } from '../../services/core/domain/policy.ts'
import { readConfig } from '../../services/core/infra/config.ts'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { loadPolicies } from '../../services/core/infra/policy-loader.ts'
import { readPolicyText } from '../../services/core/infra/read-policy-file.ts'
import { openModel } from '../../services/worker/clip/open-model.ts'
import { createJudge, type Judge } from '../../services/worker/judge.ts'
import { largePhoto, PLACES, pasteInto } from '../support/composed-photos.ts'
import { sample } from '../support/service.ts'

const config = readConfig({})

const COFFEE = `
id: coffee
title: Coffee
mode: enforce
templates: ["a photo of {}.", "{}"]
rules:
  - id: coffee
    concepts: [a cup of coffee, a coffee mug]
    contrast: [a plate of food, a bowl]
    thresholds: { flag: 0.6 }
`

let folder: string
let judge: Judge
let animals: LoadedPolicy
let coffee: LoadedPolicy
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'pixwarden-policy-views-'))
  const model = await openModel(config.model)
  judge = createJudge({ ...config, decoders: 1, model, log: silentLogger() })
  const { policies } = await loadPolicies(config.policiesDir, { modelId: model.id })
  animals = policies.find(({ id }) => id === 'live-animals') as LoadedPolicy
  coffee = readPolicyText('coffee.yaml', COFFEE).policy as LoadedPolicy
})
afterAll(async () => {
  await judge?.close()
  await rm(folder, { recursive: true, force: true })
})

async function judgeBytes(bytes: Buffer) {
  const file = path.join(folder, 'picture')
  await writeFile(file, bytes)
  return judge.judge(file)
}

/** The one rule of each policy, by the policy's id. */
async function resultsFor(bytes: Buffer): Promise<Record<string, RuleResult | undefined>> {
  const { verdicts } = await judgeBytes(bytes)
  return Object.fromEntries(verdicts.map(({ id, rules }) => [id, rules[0]]))
}

const named = (policy: LoadedPolicy, id: string, views?: LoadedPolicy['views']): LoadedPolicy => ({ ...policy, id, views })
const withTiles = (policy: LoadedPolicy) => [policy, named(policy, `${policy.id}-tiles`, { tiles: true })]

describe('what is small in a large photo', () => {
  const BACKGROUNDS = ['temple.jpg', 'portrait.jpg', 'astronaut.jpg']
  beforeAll(() => judge.usePolicies([animals, coffee].flatMap(withTiles)))

  test('is found by a policy with tiles, and missed by the same without', { timeout: 60_000 }, async () => {
    const found = { full: 0, tiles: 0, onlyFull: 0 }
    for (const background of BACKGROUNDS) {
      const photo = await largePhoto(background)
      for (const [policy, thing] of [
        ['live-animals', 'cat.jpg'],
        ['coffee', 'coffee.jpg'],
      ] as const)
        for (const place of PLACES) {
          const results = await resultsFor(await pasteInto(photo, thing, place))
          const [full, tiles] = [results[policy]?.matched, results[`${policy}-tiles`]?.matched]
          if (full) found.full++
          if (tiles) found.tiles++
          if (full && !tiles) found.onlyFull++
        }
    }
    expect(found.full).toBeLessThanOrEqual(3)
    expect(found.tiles).toBeGreaterThanOrEqual(18)
    expect(found.onlyFull).toBe(0)
  })

  test('makes neither flag the photos without it', async () => {
    for (const background of BACKGROUNDS)
      for (const result of Object.values(await resultsFor(await largePhoto(background)))) expect(result?.matched).toBe(false)
  })

  test('is named by the tile that shows it', async () => {
    const photo = await pasteInto(await largePhoto('temple.jpg'), 'cat.jpg', { left: 924, top: 624 })
    const results = await resultsFor(photo)
    expect(results['live-animals-tiles']).toMatchObject({ matched: true, view: 'tile-2-3' })
    expect(results['live-animals']).toMatchObject({ matched: false, view: 'full' })
  })
})

test('what is in few frames of an animation is found by a policy with frames, and by no other', async () => {
  const frame = async (name: string) =>
    sharp(await sample(name))
      .resize(120, 120, { fit: 'cover' })
      .removeAlpha()
      .raw()
      .toBuffer()
  const [temple, cat] = [await frame('temple.jpg'), await frame('cat.jpg')]
  // Encoders join frames that are the same.
  const frames = Array.from({ length: 24 }, (_, index) => {
    const pixels = Buffer.from(index === 17 || index === 18 ? cat : temple)
    return pixels.fill(index * 10, 0, 3 * 120)
  })
  const raw = { width: 120, height: 120 * 24, channels: 3 as const, pageHeight: 120 }
  const bytes = await sharp(Buffer.concat(frames), { raw }).gif().toBuffer()
  await judge.usePolicies([
    animals,
    named(animals, 'sampled', { tiles: false, frames: 8 }),
    named(animals, 'tiled', { tiles: true }),
  ])
  const results = await resultsFor(bytes)
  expect(results.sampled).toMatchObject({ matched: true, view: 'frame-18' })
  expect(results['live-animals']?.matched).toBe(false)
  expect(results.tiled?.matched).toBe(false)
})

test('the next picture has the views of the policies that are in force by then', async () => {
  const photo = await largePhoto('temple.jpg')
  const namesOf = async () => (await judgeBytes(photo)).embeddings.map(({ view }) => view)
  await judge.usePolicies([animals])
  expect(await namesOf()).toEqual(['full'])
  await judge.usePolicies([animals, { ...coffee, views: { tiles: true } }])
  expect(await namesOf()).toHaveLength(7)
  await judge.usePolicies([animals, { ...coffee, views: { tiles: true }, mode: 'off' }])
  expect(await namesOf()).toEqual(['full'])
})
