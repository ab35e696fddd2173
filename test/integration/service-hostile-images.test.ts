import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Decision } from '../../services/core/domain/decision.ts'
import { packageRoot } from '../../services/core/infra/package-root.ts'
import { type Service, startService } from '../support/service.ts'
import { skipLoudly } from '../support/skip-loudly.ts'

const FOLDER = path.join(packageRoot, '..', 'shared', 'data', 'hostile-images')
const files = await readdir(FOLDER, { recursive: true, withFileTypes: true }).then(
  (found) =>
    found
      .filter((entry) => entry.isFile() && entry.name !== 'LICENSES.txt')
      .map((entry) => path.join(entry.parentPath, entry.name)),
  () => [],
)
const LANES = 8

let service: Service
beforeAll(async () => {
  if (files.length > 0) service = await startService({ env: { PIXWARDEN_AVIF: 'on' } })
})
afterAll(async () => {
  await service?.stop()
})

test.skipIf(skipLoudly('posting hostile images', files.length === 0 ? 'they are not beside the project' : undefined))(
  'no hostile image takes the service down: each is refused, or comes to a decision',
  async () => {
    const pids = service.processes.map(({ pid }) => pid)
    const outcomes = new Map<string, string[]>()
    const waiting = [...files]
    const lane = async () => {
      for (let file = waiting.pop(); file; file = waiting.pop()) {
        const outcome = await outcomeOf(await readFile(file))
        outcomes.set(outcome, [...(outcomes.get(outcome) ?? []), file])
      }
    }
    await Promise.all(Array.from({ length: LANES }, lane))

    const counts = Object.fromEntries([...outcomes].map(([outcome, { length }]) => [outcome, length]))
    console.info('hostile images:', counts)
    expect(Object.keys(counts).filter((outcome) => !/^(4\d\d|approve|flag|reject|undecodable)$/.test(outcome))).toEqual([])
    expect([...outcomes.values()].flat()).toHaveLength(files.length)
    expect(service.processes.map(({ exitCode, signalCode }) => exitCode ?? signalCode)).toEqual(pids.map(() => null))
  },
  240_000,
)

/** What an image came to: a status of refusal, an action, or `undecodable`. */
async function outcomeOf(bytes: Buffer): Promise<string> {
  const { status, body } = await service.upload(bytes)
  if (status !== 202) return String(status)
  const decision: Decision = await service.decisionOf(body.id, 60_000)
  return decision.recommendation.reason_codes.includes('undecodable') ? 'undecodable' : decision.action
}
