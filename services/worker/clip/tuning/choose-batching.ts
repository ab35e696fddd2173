/** What a worker embeds in batches of one size. */
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
/** What an upload spends outside of the model. */
const ELSEWHERE_SECONDS = 0.2

/** Chooses the smallest batch that is nearly as fast as the best one. Throws RangeError when nothing was measured. */
export function chooseBatching(measured: readonly Measured[]): Batching {
  const bySize = measured.toSorted((a, b) => a.batch - b.batch)
  const best = Math.max(...bySize.map(({ imagesPerSecond }) => imagesPerSecond))
  const chosen = bySize.find(({ imagesPerSecond }) => imagesPerSecond >= WORTH_IT * best)
  const [smallest] = bySize
  if (!chosen || !smallest) throw new RangeError('nothing was measured')
  const { batch, imagesPerSecond } = chosen
  return {
    maxBatch: batch,
    batchWaitMs: batch === 1 ? 0 : waitFor(smallest.msPerRun),
    concurrency: 2 * batch + Math.ceil(ELSEWHERE_SECONDS * imagesPerSecond),
  }
}

function waitFor(msOfOne: number): number {
  return Math.min(LONGEST_WAIT_MS, Math.ceil(WAIT_SHARE * msOfOne))
}
