/** What a number of workers embed together, each with so many threads and in batches of one size. */
export type Measured = { workers: number; threads: number; batch: number; imagesPerSecond: number; msPerRun: number }

export type Advice = { settings: Record<string, number>; why: string }

/** Of the best rate: for less than that nobody waits for a larger batch. */
const WORTH_IT = 0.97
/** Of a run, that the first picture of a batch may wait for others. */
const WAIT_SHARE = 0.1
const LONGEST_WAIT_MS = 20

/** Chooses the smallest batch that is nearly as fast as the best one. `measured` must not be empty. */
export function advise(measured: Measured[]): Advice {
  const best = Math.max(...measured.map(({ imagesPerSecond }) => imagesPerSecond))
  const good = measured.filter(({ imagesPerSecond }) => imagesPerSecond >= WORTH_IT * best)
  const [chosen] = good.sort((a, b) => a.batch - b.batch || b.imagesPerSecond - a.imagesPerSecond)
  if (!chosen) throw new RangeError('nothing was measured')
  const { workers, threads, batch, imagesPerSecond, msPerRun } = chosen
  const waitMs = batch === 1 ? 0 : Math.min(LONGEST_WAIT_MS, Math.round(WAIT_SHARE * msPerRun))
  return {
    settings: {
      PIXWARDEN_INFERENCE_THREADS: threads,
      PIXWARDEN_BATCH_SIZE: batch,
      PIXWARDEN_BATCH_WAIT_MS: waitMs,
    },
    why: `Fastest here: ${workers} ${workers === 1 ? 'worker' : 'workers'}, ${imagesPerSecond.toFixed(1)} images a second by the model alone.`,
  }
}
