import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { dot } from '../../services/core/domain/vector.ts'
import { createImageEncoder, type ImageEncoder } from '../../services/worker/clip/image-encoder.ts'
import { openModel } from '../../services/worker/clip/open-model.ts'
import { copyTinyModel } from '../support/parity.ts'

const SIZE = 224 * 224 * 3
const runs: { views: number; ms: number }[] = []
let folder: string
let encoder: ImageEncoder
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'pixwarden-encoder-'))
  const model = await openModel(await copyTinyModel('tiny-clip', folder))
  encoder = createImageEncoder(model, { threads: 1, onRun: (run) => runs.push(run) })
})
beforeEach(() => {
  runs.length = 0
})
afterAll(async () => {
  await encoder.close()
  await rm(folder, { recursive: true })
})

/** A picture that is unlike that of another seed. */
const picture = (seed: number) => Uint8Array.from({ length: SIZE }, (_, i) => (i * seed) % 256)
const embed = async (seed: number) => ((await encoder.encode([picture(seed)])) as [Float32Array])[0]

test('embeddings are unit vectors that do not depend on the other views of the batch', async () => {
  const alone = [await embed(1), await embed(77), await embed(200)]
  const together = await encoder.encode([picture(1), picture(77), picture(200)])
  for (const [index, embedding] of together.entries()) {
    expect(dot(embedding, embedding)).toBeCloseTo(1, 5)
    expect(dot(embedding, alone[index] as Float32Array)).toBeGreaterThan(0.999999)
  }
  expect(dot(alone[0] as Float32Array, alone[1] as Float32Array)).toBeLessThan(0.999)
})

test('calls that overlap are not mixed up', async () => {
  const seeds = [3, 50, 111, 180]
  const alone = []
  for (const seed of seeds) alone.push(await embed(seed))
  const pictures = seeds.map(picture)
  const overlapping = await Promise.all(pictures.map((each) => encoder.encode([each])))
  for (const [index, [embedding]] of overlapping.entries())
    expect(dot(embedding as Float32Array, alone[index] as Float32Array)).toBeGreaterThan(0.999999)
})

test('a view is given away with its buffer, but a part of a larger buffer stays as it was', async () => {
  const own = picture(1)
  const larger = new Uint8Array(2 * SIZE).fill(9)
  await encoder.encode([own, larger.subarray(SIZE)])
  expect(own.length).toBe(0)
  expect(larger.length).toBe(2 * SIZE)
})

test('how many views ran and how long the model took is told', async () => {
  await encoder.encode([picture(1), picture(2)])
  expect(runs).toEqual([{ views: 2, ms: expect.any(Number) }])
  expect(runs[0]?.ms).toBeGreaterThan(0)
})

test('a view of the wrong size is refused and the next one served', async () => {
  await expect(encoder.encode([new Uint8Array(10)])).rejects.toThrow(RangeError)
  expect(await encoder.encode([picture(1)])).toHaveLength(1)
})

test('closing while the model runs waits for the answer, and the process survives it', async () => {
  const busy = createImageEncoder(await openModel('embedded'), { threads: 1 })
  const views = () => Array.from({ length: 4 }, () => new Uint8Array(260 * 260 * 3))
  const first = busy.encode(views())
  const second = busy.encode(views())
  await first
  await busy.close()
  expect(await second).toHaveLength(4)
})

describe('the first start with a model', () => {
  let graphDir: string
  beforeEach(async () => {
    graphDir = await mkdtemp(path.join(tmpdir(), 'pixwarden-graphs-'))
  })
  afterEach(() => rm(graphDir, { recursive: true }))

  const start = async () => {
    const starting = createImageEncoder(await openModel(folder), { threads: 1, graphDir })
    const [embedding] = await starting.encode([picture(1)])
    await starting.close()
    return embedding as Float32Array
  }

  test('keeps an edited graph, which embeds the same', async () => {
    expect(dot(await start(), await embed(1))).toBeGreaterThan(0.9999)
    expect(await readdir(graphDir)).toEqual([expect.stringMatching(/\.onnx$/)])
  })

  test('runs the graph as it came when the process that edits it dies', async () => {
    vi.stubEnv('NODE_OPTIONS', '--no-such-option')
    const embedding = await start()
    vi.unstubAllEnvs()
    expect(embedding).toEqual(await embed(1))
    expect(await readdir(graphDir)).toEqual([])
  })
})
