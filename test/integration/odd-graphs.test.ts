import { chmod, copyFile, cp, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dot } from '../../services/core/domain/vector.ts'
import { bringWeights } from '../../services/worker/clip/bring-weights.ts'
import { type Model, openModel } from '../../services/worker/clip/open-model.ts'
import { openVision } from '../../services/worker/clip/open-vision.ts'
import { openVisionSession } from '../../services/worker/clip/vision-session.ts'
import { putWeightsBeside, takeAndGiveHalves } from '../support/odd-graphs.ts'
import { copyTinyModel } from '../support/parity.ts'
import { skipLoudly } from '../support/skip-loudly.ts'
import { mountTmpfs, whyNoTmpfs } from '../support/tmpfs.ts'

let folder: string
let plain: Model
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'pixwarden-odd-graphs-'))
  plain = await openModel(await copyTinyModel('tiny-clip', path.join(folder, 'plain')))
})
afterAll(() => rm(folder, { recursive: true }))

async function oddModel(name: string, change: (graph: string) => Promise<unknown>): Promise<Model> {
  await cp(plain.dir, path.join(folder, name), { recursive: true })
  await change(path.join(folder, name, 'onnx/vision_model.onnx'))
  return openModel(path.join(folder, name))
}

const views = [1, 77, 200].map((seed) => Uint8Array.from({ length: 3 * 224 * 224 }, (_, i) => (i * seed + (i >> 6)) % 256))

async function cosinesWithPlain(session: Awaited<ReturnType<typeof openVision>>): Promise<number[]> {
  const original = await openVisionSession(plain.visionFile, plain, { threads: 1 })
  const [one, other] = [await original.embed(views), await session.embed(views)]
  await original.release()
  return one.map((embedding, index) => dot(embedding, other[index] as Float32Array))
}

describe('a graph with its weights beside it', () => {
  test('is edited as others are, and takes no room for them twice', async () => {
    const model = await oddModel('beside', putWeightsBeside)
    const graphDir = path.join(folder, 'graphs-beside')
    const first = await openVision(model, { threads: 1, graphDir })
    for (const cosine of await cosinesWithPlain(first)) expect(cosine).toBeGreaterThan(0.9999)
    const dir = path.join(graphDir, model.revision)
    const files = (await readdir(dir)).sort()
    expect(files).toEqual([expect.stringMatching(/\.onnx$/), 'vision_model.onnx_data'].sort())
    const [weights, kept] = [await stat(path.join(dir, 'vision_model.onnx_data')), await stat(path.join(dir, files[0] as string))]
    expect(weights.ino).toBe((await stat(`${model.visionFile}_data`)).ino)
    expect(kept.size).toBeLessThan(weights.size)
    const second = await openVision(model, { threads: 1, graphDir })
    for (const cosine of await cosinesWithPlain(second)) expect(cosine).toBeGreaterThan(0.9999)
    expect((await stat(path.join(dir, files[0] as string))).mtimeMs).toBe(kept.mtimeMs)
  })

  test('runs as it came where they cannot be brought', async () => {
    const model = await oddModel('apart', putWeightsBeside)
    const graphDir = path.join(folder, 'a-file')
    await writeFile(graphDir, '')
    const session = await openVision(model, { threads: 1, graphDir })
    for (const cosine of await cosinesWithPlain(session)) expect(cosine).toBeGreaterThan(0.9999)
  })
})

describe('weights that are brought', () => {
  test('are brought again when others have taken their place', async () => {
    const [from, dir] = [path.join(folder, 'model.onnx_data'), path.join(folder, 'brought')]
    await writeFile(from, 'old')
    await bringWeights([from], dir)
    await writeFile(`${from}.new`, 'newer')
    await rename(`${from}.new`, from)
    await Promise.all([bringWeights([from], dir), bringWeights([from], dir)])
    expect((await stat(path.join(dir, 'model.onnx_data'))).ino).toBe((await stat(from)).ino)
    expect(await readdir(dir)).toEqual(['model.onnx_data'])
  })

  const reason = whyNoTmpfs()
  test.skipIf(skipLoudly('weights on another disk', reason))(
    'from another disk are copied, once, and read-only ones too',
    async () => {
      const disk = mountTmpfs(1024)
      try {
        const [from, dir] = [path.join(disk.dir, 'model.onnx_data'), path.join(folder, 'copied')]
        await copyFile(path.join(plain.dir, 'config.json'), from)
        await chmod(from, 0o444)
        await bringWeights([from], dir)
        const copied = await stat(path.join(dir, 'model.onnx_data'))
        expect(copied.mode & 0o200).toBe(0o200)
        expect(copied.size).toBe((await stat(from)).size)
        await bringWeights([from], dir)
        expect((await stat(path.join(dir, 'model.onnx_data'))).ino).toBe(copied.ino)
        expect(await readdir(dir)).toEqual(['model.onnx_data'])
      } finally {
        disk.unmount()
      }
    },
  )
})

describe('a graph of half precision', () => {
  test('embeds as the one of floats, as it came and edited', async () => {
    const model = await oddModel('halves', takeAndGiveHalves)
    const graphDir = path.join(folder, 'graphs-halves')
    const edited = await openVision(model, { threads: 1, graphDir })
    const asItCame = await openVision(model, { threads: 1 })
    for (const session of [edited, asItCame])
      for (const cosine of await cosinesWithPlain(session)) expect(cosine).toBeGreaterThan(0.9999)
    expect(await readdir(graphDir)).toEqual([expect.stringMatching(/\.onnx$/)])
  })
})
