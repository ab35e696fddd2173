import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Box, ExplainedRule, HeatMap } from '../../services/core/domain/explain.ts'
import { readConfig } from '../../services/core/infra/config.ts'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { loadPolicies } from '../../services/core/infra/policy-loader.ts'
import { type Model, openModel } from '../../services/worker/clip/open-model.ts'
import { explainImage } from '../../services/worker/explain-image.ts'
import { decodeImage } from '../../services/worker/image/decode-image.ts'
import { createJudge, type Judge } from '../../services/worker/judge.ts'
import { largePhoto, pasteInto } from '../support/composed-photos.ts'
import { sample } from '../support/service.ts'

const config = readConfig({})

let folder: string
let model: Model
let judge: Judge
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'pixwarden-explain-'))
  model = await openModel(config.model)
  judge = createJudge({ ...config, decoders: 1, model, log: silentLogger() })
  const { policies } = await loadPolicies(config.policiesDir, { modelId: model.id })
  await judge.usePolicies(policies.filter(({ id }) => ['live-animals', 'weapons'].includes(id)))
})
afterAll(async () => {
  await judge?.close()
  await rm(folder, { recursive: true, force: true })
})

async function explain(bytes: Buffer, signal = new AbortController().signal) {
  const file = path.join(folder, 'picture')
  await writeFile(file, bytes)
  const { preprocessing, scoring } = model
  const image = await decodeImage(file, { preprocessing, mode: 'fast', maxPixels: config.maxPixels })
  return explainImage(image, { policies: judge.policies(), preprocessing, scoring, embed: judge.embedInPassing, signal })
}

async function animalRule(bytes: Buffer): Promise<ExplainedRule & { heat_map: HeatMap }> {
  const rule = (await explain(bytes)).find(({ id }) => id === 'live-animals')?.rules[0]
  if (!rule?.heat_map) throw new Error('no heat map')
  return { ...rule, heat_map: rule.heat_map }
}

/** Two sample photos side by side, 600 × 600. */
async function halves(left: string, right: string): Promise<Buffer> {
  const half = async (name: string) =>
    sharp(await sample(name))
      .resize(300, 600)
      .toBuffer()
  return sharp({ create: { width: 600, height: 600, channels: 3, background: 'black' } })
    .composite([
      { input: await half(left), left: 0, top: 0 },
      { input: await half(right), left: 300, top: 0 },
    ])
    .jpeg()
    .toBuffer()
}

/** The heat above nothing in the cells that `isIn`, of all. */
function heatIn({ values, columns }: HeatMap, isIn: (column: number) => boolean): number {
  const positive = (value: number) => Math.max(0, value)
  const total = values.reduce((sum, value) => sum + positive(value), 0)
  return values.reduce((sum, value, i) => sum + (isIn(i % columns) ? positive(value) : 0), 0) / total
}

describe('the heat of the animal rule', () => {
  test.each([
    ['cat.jpg', 'coffee.jpg'],
    ['cat.jpg', 'temple.jpg'],
    ['flower.jpg', 'cat.jpg'],
    ['rocket.jpg', 'cat.jpg'],
  ])('lies on the cat’s half of %s beside %s', async (left, right) => {
    const { heat_map, score, concepts } = await animalRule(await halves(left, right))
    const isCats = (column: number) => column < 4 === (left === 'cat.jpg')
    expect(heatIn(heat_map, isCats)).toBeGreaterThan(0.7)
    const hottest = heat_map.values.indexOf(Math.max(...heat_map.values)) % heat_map.columns
    expect(isCats(hottest)).toBe(true)
    expect(score).toBeGreaterThan(0.5)
    expect(concepts.toSorted((a, b) => b.share - a.share)[0]?.text).toBe('a cat')
    expect(heat_map.box).toEqual({ left: 0, top: 0, width: 1, height: 1 })
  })
})

test('the map covers what the model sees of a wide picture: its middle', async () => {
  const wide = await sharp(await sample('cat.jpg'))
    .resize(800, 400)
    .toBuffer()
  const { box } = (await animalRule(wide)).heat_map
  expect(box).toEqual({ left: 0.25, top: 0, width: 0.5, height: 1 })
})

test('every rule is explained, matched or not, by the same hidden places', async () => {
  const runs: number[] = []
  const file = path.join(folder, 'cat')
  await writeFile(file, await sample('cat.jpg'))
  const { preprocessing, scoring } = model
  const image = await decodeImage(file, { preprocessing, mode: 'fast', maxPixels: config.maxPixels })
  const embed = (views: Uint8Array[]) => {
    runs.push(views.length)
    return judge.embedInPassing(views)
  }
  const signal = new AbortController().signal
  const policies = await explainImage(image, { policies: judge.policies(), preprocessing, scoring, embed, signal })
  const rules = policies.flatMap((policy) => policy.rules)
  expect(rules.map(({ id, matched }) => [id, matched])).toEqual(
    expect.arrayContaining([
      ['animal', true],
      ['weapon', false],
    ]),
  )
  for (const { heat_map } of rules) expect(heat_map?.values).toHaveLength(64)
  expect(runs.reduce((sum, views) => sum + views, 0)).toBe(1 + 36 + 36 + 1)
})

test('a rule that scored highest in a later frame has no map, for that frame is not shown', async () => {
  const plain = await sharp({ create: { width: 200, height: 200, channels: 3, background: '#888' } })
    .gif()
    .toBuffer()
  const cat = await sharp(await sample('cat.jpg'))
    .resize(200, 200)
    .gif()
    .toBuffer()
  const animated = await sharp([plain, cat], { join: { animated: true } })
    .gif()
    .toBuffer()
  const [policy] = (await explain(animated)).filter(({ id }) => id === 'live-animals')
  expect(policy?.rules[0]).toMatchObject({ view: 'frame-1' })
  expect(policy?.rules[0]?.heat_map).toBeUndefined()
})

test('a rule that scored highest in a tile has the map of that tile, where it lies in the picture', async () => {
  const file = path.join(folder, 'large')
  await writeFile(file, await pasteInto(await largePhoto('temple.jpg'), 'cat.jpg', { left: 924, top: 624 }))
  const { preprocessing, scoring } = model
  const asked = { tiles: true, frames: [] }
  const image = await decodeImage(file, { preprocessing, mode: 'fast', maxPixels: config.maxPixels }, { asked })
  const whole = judge.policies().filter(({ id }) => id === 'live-animals')
  const policies = whole.flatMap((policy) => [policy, { ...policy, id: 'tiled', views: { tiles: true } }])
  const signal = new AbortController().signal
  const explained = await explainImage(image, { policies, preprocessing, scoring, embed: judge.embedInPassing, signal })
  const [full, tiled] = explained.map(({ rules: [rule] }) => rule)
  expect([full?.view, tiled?.view]).toEqual(['full', 'tile-2-3'])
  expect(full?.heat_map?.box.height).toBe(1)
  const { values = [], columns = 1, rows = 1, box } = tiled?.heat_map ?? {}
  const { left, top, width, height } = box as Box
  expect([left + width, top + height]).toEqual([1, 1])
  expect([width, height].map((share) => share.toFixed(2))).toEqual(['0.42', '0.56'])
  const hottest = values.indexOf(Math.max(...values))
  const at = [
    left + (((hottest % columns) + 0.5) / columns) * width,
    top + ((Math.floor(hottest / columns) + 0.5) / rows) * height,
  ]
  expect(at[0]).toBeGreaterThan(924 / 1200)
  expect(at[0]).toBeLessThan(1164 / 1200)
  expect(at[1]).toBeGreaterThan(624 / 900)
  expect(at[1]).toBeLessThan(864 / 900)
})

test('an explanation that nobody needs any more ends', async () => {
  await expect(explain(await sample('cat.jpg'), AbortSignal.abort())).rejects.toThrow('aborted')
})
