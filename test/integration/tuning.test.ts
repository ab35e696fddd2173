import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { readConfig } from '../../services/core/infra/config.ts'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { openModel } from '../../services/worker/clip/open-model.ts'
import { openTuner } from '../../services/worker/clip/tuning/open-tuner.ts'
import { keepTuning, tuningFileOf } from '../../services/worker/clip/tuning/tuning-file.ts'
import { copyTinyModel } from '../support/parity.ts'
import { type Service, startService } from '../support/service.ts'

const folders: string[] = []
let dataDir: string
beforeEach(async () => {
  dataDir = await mkdtemp(path.join(os.tmpdir(), 'pixwarden-tuning-'))
  folders.push(dataDir)
})
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))))

/** Of a batch of any size it makes no more work than of one. */
function batchingModel() {
  let runs = 0
  const encode = async (views: Uint8Array[]) => {
    runs++
    const before = process.cpuUsage().user
    while (process.cpuUsage().user - before < 2000);
    return views.map(() => new Float32Array(1))
  }
  return { encode, runs: () => runs }
}

const tunerFor = async (env: Record<string, string> = {}) =>
  openTuner(readConfig({ PIXWARDEN_DATA_DIR: dataDir, ...env }), await openModel('embedded'), silentLogger())

const files = async () => readdir(path.join(dataDir, 'tuning')).catch(() => [])

describe('a worker for which nothing is set', () => {
  test('takes the batch that was measured best, and what was kept when it starts again', async () => {
    const first = batchingModel()
    const found = await (await tunerFor()).settle(first, 'cpu')
    expect(found).toMatchObject({ maxBatch: 16, inferenceThreads: 1 })
    expect(first.runs()).toBeGreaterThan(1)
    const second = batchingModel()
    expect(await (await tunerFor()).settle(second, 'cpu')).toEqual(found)
    expect(second.runs()).toBe(0)
    expect(await files()).toHaveLength(1)
  })

  test('measures once with those that start at the same time', async () => {
    const models = [1, 2, 3].map(batchingModel)
    const tuners = await Promise.all(models.map(() => tunerFor()))
    const found = await Promise.all(tuners.map((tuner, index) => tuner.settle(models[index] as (typeof models)[number], 'cpu')))
    expect(models.filter((model) => model.runs() > 0)).toHaveLength(1)
    expect(new Set(found.map(({ maxBatch }) => maxBatch)).size).toBe(1)
  })

  test('measures again on another provider, and when what was kept is damaged', async () => {
    await (await tunerFor()).settle(batchingModel(), 'cpu')
    const other = batchingModel()
    await (await tunerFor()).settle(other, 'cuda')
    expect(other.runs()).toBeGreaterThan(0)
    const [kept = ''] = await files()
    await writeFile(path.join(dataDir, 'tuning', kept), '{"maxBatch":')
    const again = batchingModel()
    await (await tunerFor()).settle(again, 'cuda')
    expect(again.runs()).toBeGreaterThan(0)
  })

  test('runs with as many threads as were found best', async () => {
    await (await tunerFor()).settle(batchingModel(), 'cpu')
    const [kept = ''] = await files()
    const file = path.join(dataDir, 'tuning', kept)
    const tuning = JSON.parse(await readFile(file, 'utf8'))
    await writeFile(file, JSON.stringify({ ...tuning, inferenceThreads: 4, maxBatch: 2 }))
    const model = batchingModel()
    const tuner = await tunerFor()
    expect(tuner.settings().inferenceThreads).toBe(4)
    expect(await tuner.settle(model, 'cpu')).toMatchObject({ maxBatch: 2, inferenceThreads: 4 })
    expect(model.runs()).toBe(0)
  })

  test('takes the defaults where nothing can be kept, or the model fails', async () => {
    const failing = { encode: () => Promise.reject(new Error('out of memory')) }
    expect(await (await tunerFor()).settle(failing, 'cpu')).toMatchObject({ maxBatch: 8, batchWaitMs: 5, concurrency: 16 })
    expect(await files()).toEqual([])
    await rm(path.join(dataDir, 'tuning'), { recursive: true })
    await writeFile(path.join(dataDir, 'tuning'), 'a file')
    expect(await (await tunerFor()).settle(batchingModel(), 'cpu')).toMatchObject({
      maxBatch: 8,
      batchWaitMs: 5,
      concurrency: 16,
    })
  })
})

test('nothing is left of settings that could not be kept', async () => {
  const file = tuningFileOf(readConfig({ PIXWARDEN_DATA_DIR: dataDir }), await openModel('embedded'))
  await mkdir(file.path, { recursive: true })
  const found = { inferenceThreads: 1, maxBatch: 4, batchWaitMs: 2, concurrency: 9, measured: [] }
  await expect(keepTuning(file, { provider: 'cpu', ...found })).rejects.toThrow(/EISDIR|ENOTEMPTY|EPERM/)
  expect(await files()).toEqual([path.basename(file.path)])
})

test('what is set wins over what is measured', async () => {
  const half = await tunerFor({ PIXWARDEN_BATCH_SIZE: '3' })
  const found = await half.settle(batchingModel(), 'cpu')
  expect(found).toMatchObject({ maxBatch: 3, concurrency: 6 })
  expect(found.batchWaitMs).toBeLessThan(5)
  const whole = batchingModel()
  const tuner = await tunerFor({ PIXWARDEN_BATCH_SIZE: '3', PIXWARDEN_BATCH_WAIT_MS: '4' })
  expect(await tuner.settle(whole, 'cpu')).toMatchObject({ maxBatch: 3, batchWaitMs: 4, concurrency: 6 })
  expect(whole.runs()).toBe(0)
})

test('nothing is measured where that is off', async () => {
  const model = batchingModel()
  const tuner = await tunerFor({ PIXWARDEN_TUNE: 'off' })
  expect(await tuner.settle(model, 'cpu')).toMatchObject({ maxBatch: 8, batchWaitMs: 5, concurrency: 16 })
  expect(model.runs()).toBe(0)
})

test('workers that start at once say in /readyz with what settings they run, and are the same', { timeout: 60_000 }, async () => {
  const model = await copyTinyModel('tiny-clip', path.join(dataDir, 'tiny-clip'))
  const env = { PIXWARDEN_TUNE: 'on', PIXWARDEN_METRICS_PORT: '0', PIXWARDEN_MODEL: model }
  const service: Service = await startService({ workers: 2, env })
  try {
    const settings = await Promise.all(
      service.metricsPorts.map(async (port) => {
        const response = await fetch(`http://127.0.0.1:${port}/readyz`)
        return ((await response.json()) as { settings: unknown }).settings
      }),
    )
    const [kept = '', ...others] = await readdir(path.join(service.dir, 'tuning'))
    const { maxBatch, batchWaitMs, concurrency, inferenceThreads } = JSON.parse(
      await readFile(path.join(service.dir, 'tuning', kept), 'utf8'),
    )
    expect(others).toEqual([])
    expect(settings).toEqual(Array(2).fill({ maxBatch, batchWaitMs, concurrency, inferenceThreads }))
  } finally {
    await service.stop()
  }
})
