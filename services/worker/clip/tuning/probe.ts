import type { ExecutionProvider } from '../../../core/infra/execution-providers.ts'
import type { Measured } from './choose-batching.ts'

export type ProbeOptions = {
  batches: readonly number[]
  /** Runs the model once. */
  run: (batch: number) => Promise<unknown>
  /** By which a run is judged. */
  costMs: () => number
  now?: () => number
}

/** For a model that is fast; of a slow one a run may take longer. */
const WITHIN_MS = 2500
const ROUNDS = 5

/**
 * Runs the model in batches of several sizes by turns, the smallest first. What does not fit into the time is not tried, so that of a slow model there are
 * a few runs in the smallest batches, by which it loses little: a single view keeps a core busy. Of each size the best run counts: others were disturbed.
 */
export async function probe({ batches, run, costMs, now = () => performance.now() }: ProbeOptions): Promise<Measured[]> {
  const startedAt = now()
  const longest = new Map<number, number>()
  const best = new Map<number, number>()
  const expectedMs = (batch: number) => longest.get(batch) ?? 2 * (longest.get(batch / 2) ?? 0)
  for (let round = 0; round < ROUNDS; round++)
    for (const batch of batches) {
      if (longest.size > 0 && now() - startedAt + expectedMs(batch) > WITHIN_MS) break
      const [begunAt, before] = [now(), costMs()]
      await run(batch)
      best.set(batch, Math.min(best.get(batch) ?? Number.POSITIVE_INFINITY, costMs() - before))
      longest.set(batch, Math.max(longest.get(batch) ?? 0, now() - begunAt))
    }
  return [...best].map(([batch, msPerRun]) => ({ batch, msPerRun, imagesPerSecond: (1000 * batch) / msPerRun }))
}

/** Batches by powers of two; more memory than the last ones take is rather for views of other uploads. */
export function batchesFor(provider: ExecutionProvider): number[] {
  const largest = provider === 'cpu' ? 16 : 128
  return Array.from({ length: Math.log2(largest) + 1 }, (_, power) => 2 ** power)
}
