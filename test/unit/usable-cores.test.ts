import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { usableCores } from '../../services/core/infra/usable-cores.ts'

let quotaFile: string
beforeAll(async () => {
  quotaFile = path.join(await mkdtemp(path.join(os.tmpdir(), 'pixwarden-quota-')), 'cpu.max')
})
afterAll(() => rm(path.dirname(quotaFile), { recursive: true }))

test.each([
  ['max 100000', 8],
  ['250000 100000', 2],
  ['50000 100000', 1],
  ['1600000 100000', 8],
])('of 8 cores under the quota %j, %i can be kept busy', async (quota, cores) => {
  await writeFile(quotaFile, `${quota}\n`)
  expect(usableCores({ available: 8, quotaFile })).toBe(cores)
})

test('where there is no quota, all that the process may run on', () => {
  expect(usableCores({ available: 8, quotaFile: `${quotaFile}.not` })).toBe(8)
})
