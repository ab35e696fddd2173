import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConfig } from '../../services/core/infra/config.ts'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { openModel } from '../../services/worker/clip/open-model.ts'
import { openTuner } from '../../services/worker/clip/tuning/open-tuner.ts'
import { runCli } from '../support/cli.ts'
import { copyTinyModel } from '../support/parity.ts'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'pixwarden-tune-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

test('tuning prints settings for this machine that the service takes, and keeps them for its workers', async () => {
  const model = await copyTinyModel('tiny-clip', path.join(dir, 'tiny-clip'))
  const env = { PIXWARDEN_DATA_DIR: path.join(dir, 'data') }
  const { code, stdout } = await runCli(['bench', '--tune', '--model', model, '--seconds', '0.01', '--json'], {
    env: { ...env, PIXWARDEN_TUNE: 'off' },
  })
  const { measured, advice, file } = JSON.parse(stdout)
  expect(code).toBe(0)
  expect(measured.length).toBeGreaterThanOrEqual(6)
  for (const { imagesPerSecond } of measured) expect(imagesPerSecond).toBeGreaterThan(0)
  const set = readConfig(advice.settings)
  const tuner = await openTuner(readConfig(env), await openModel(model), silentLogger())
  const encode = () => Promise.reject(new Error('measured again'))
  expect(await tuner.settle({ encode }, 'cpu')).toEqual({
    maxBatch: set.maxBatch,
    batchWaitMs: set.batchWaitMs,
    concurrency: set.concurrency,
    inferenceThreads: set.inferenceThreads,
  })
  expect(path.dirname(file)).toBe(path.join(dir, 'data', 'tuning'))
})

test('what was measured is told where nothing can be kept', async () => {
  const file = path.join(dir, 'a-file')
  await writeFile(file, '')
  const model = await copyTinyModel('tiny-clip', path.join(dir, 'tiny-clip-again'))
  const { code, stdout, stderr } = await runCli(['bench', '--tune', '--model', model, '--seconds', '0.01'], {
    env: { PIXWARDEN_DATA_DIR: path.join(file, 'data') },
  })
  expect(code).toBe(0)
  expect(stdout).toContain('PIXWARDEN_BATCH_SIZE=')
  expect(stdout).not.toContain('Kept in')
  expect(stderr).toContain('cannot be kept')
})
