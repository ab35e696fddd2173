import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCli } from '../support/cli.ts'
import { copyTinyModel } from '../support/parity.ts'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'pixwarden-tune-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

test('tuning prints settings for this machine that the service takes', async () => {
  const model = await copyTinyModel('tiny-clip', path.join(dir, 'tiny-clip'))
  const env = { PIXWARDEN_DATA_DIR: path.join(dir, 'data') }
  const { code, stdout } = await runCli(['bench', '--tune', '--model', model, '--seconds', '0.01', '--json'], { env })
  const { measured, advice } = JSON.parse(stdout)
  expect(code).toBe(0)
  expect(measured.length).toBeGreaterThanOrEqual(6)
  for (const { imagesPerSecond } of measured) expect(imagesPerSecond).toBeGreaterThan(0)
  expect(Object.keys(advice.settings)).toEqual(['PIXWARDEN_INFERENCE_THREADS', 'PIXWARDEN_BATCH_SIZE', 'PIXWARDEN_BATCH_WAIT_MS'])
})
