import { MOST_CONCURRENCY } from '../../../core/infra/config.ts'

/** A worker's runs in batches of one size; several workers together embed more in a second. */
export type Measured = { batch: number; imagesPerSecond: number; msPerRun: number }

export type Batching = {
  maxBatch: number
  /** For which the first view of a batch waits for others. */
  batchWaitMs: number
  /** Uploads in hand at once. */
  concurrency: number
}

/** Of the best rate: for less than that nobody waits for a larger batch. */
export const WORTH_IT = 0.97
/** Of a run for one view, that it may wait for others. While the model is busy a batch gathers without waiting. */
const WAIT_SHARE = 0.2
const LONGEST_WAIT_MS = 10
/** What a run costs its worker beside the model, as measured: the way to its thread and back, and uploads that are concluded by batches. */
const COST_ELSEWHERE_MS = 3
/** What an upload spends outside of the model. */
const ELSEWHERE_SECONDS = 0.2

/** Chooses the smallest batch with which a worker is nearly as fast as with the best one. Throws RangeError when nothing was measured. */
export function chooseBatching(measured: readonly Measured[]): Batching {
  const bySize = measured.toSorted((a, b) => a.batch - b.batch)
  const best = Math.max(...bySize.map(rateOf))
  const chosen = bySize.find((each) => rateOf(each) >= WORTH_IT * best)
  const [smallest] = bySize
  if (!chosen || !smallest) throw new RangeError('nothing was measured')
  const { batch, msPerRun } = chosen
  return {
    maxBatch: batch,
    batchWaitMs: batch === 1 ? 0 : waitFor(smallest.msPerRun),
    concurrency: Math.min(MOST_CONCURRENCY, 2 * batch + Math.ceil((1000 * ELSEWHERE_SECONDS * batch) / msPerRun)),
  }
}

function rateOf({ batch, msPerRun }: Measured): number {
  return batch / (msPerRun + COST_ELSEWHERE_MS)
}

function waitFor(msOfOne: number): number {
  return Math.min(LONGEST_WAIT_MS, Math.ceil(WAIT_SHARE * msOfOne))
}
