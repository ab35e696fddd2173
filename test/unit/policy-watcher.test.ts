import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { LoadedPolicy } from '../../services/core/domain/policy.ts'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { createMetrics } from '../../services/core/infra/metrics.ts'
import { type PolicySource, watchPolicies } from '../../services/core/infra/policy-watcher.ts'

let dir: string
let source: PolicySource | undefined
const metrics = createMetrics()
const activate = vi.fn(async (_: LoadedPolicy[]) => {})

beforeEach(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'policies-'))
  await writeFile(path.join(dir, 'p.yaml'), policy('a cat'))
})
afterEach(async () => {
  source?.close()
  activate.mockReset()
  metrics.policyReloadFailures.reset()
  await rm(dir, { recursive: true })
})

const policy = (concept: string) =>
  `id: p\ntitle: T\nmode: enforce\nrules: [{ id: r, concepts: [${concept}], thresholds: { flag: 0.5 } }]\n`
const watch = async () => {
  source = await watchPolicies({ dir, log: silentLogger(), metrics, activate })
  return source
}
const concepts = () => source?.current().flatMap(({ rules }) => rules.flatMap((rule) => rule.concepts))
const failures = async () => (await metrics.policyReloadFailures.get()).values[0]?.value

test('a change is active soon after it is written', async () => {
  await watch()
  expect(concepts()).toEqual(['a cat'])
  await writeFile(path.join(dir, 'p.yaml'), policy('a dog'))
  await vi.waitFor(() => expect(concepts()).toEqual(['a dog']), 5000)
  expect(activate).toHaveBeenLastCalledWith([expect.objectContaining({ id: 'p' })])
})

test('a file that is replaced, as editors do, is read again', async () => {
  await watch()
  await writeFile(path.join(dir, '.p.tmp'), policy('a bird'))
  await rename(path.join(dir, '.p.tmp'), path.join(dir, 'p.yaml'))
  await vi.waitFor(() => expect(concepts()).toEqual(['a bird']), 5000)
})

test('a broken change is refused, told and counted once, and mended by the next good one', async () => {
  const watched = await watch()
  await writeFile(path.join(dir, 'p.yaml'), 'id: [')
  await vi.waitFor(() => expect(watched.problems()).toMatchObject([{ line: 1, severity: 'error' }]), 5000)
  expect(concepts()).toEqual(['a cat'])
  expect(await failures()).toBe(1)
  await writeFile(path.join(dir, 'p.yaml'), policy('a fish'))
  await vi.waitFor(() => expect(watched.problems()).toEqual([]), 5000)
  expect(concepts()).toEqual(['a fish'])
  expect(await failures()).toBe(1)
})

test('a set that cannot be made active is refused', async () => {
  const watched = await watch()
  activate.mockRejectedValueOnce(new Error('the text encoder is gone'))
  await writeFile(path.join(dir, 'p.yaml'), policy('a dog'))
  await vi.waitFor(() => expect(watched.problems()).toMatchObject([{ message: 'the text encoder is gone' }]), 5000)
  expect(concepts()).toEqual(['a cat'])
})

test('a first set that is broken is an error', async () => {
  await writeFile(path.join(dir, 'p.yaml'), 'id: [')
  await expect(watchPolicies({ dir, log: silentLogger(), metrics })).rejects.toMatchObject({ code: 'invalid-policy' })
})
