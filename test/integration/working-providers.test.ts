import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { workingProviders } from '../bench/providers/working-providers.ts'

let graphDir: string
beforeAll(async () => {
  graphDir = await mkdtemp(path.join(os.tmpdir(), 'pixwarden-providers-'))
})
afterAll(() => rm(graphDir, { recursive: true }))

test('the bench leaves out execution providers that the runtime does not have', async () => {
  const missing = process.platform === 'win32' ? 'coreml' : 'dml'
  expect(await workingProviders([missing, 'cpu'], graphDir)).toEqual(['cpu'])
})
