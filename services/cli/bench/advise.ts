import { type Batching, chooseBatching, type Measured, WORTH_IT } from '../../worker/clip/tuning/choose-batching.ts'

/** Workers that embed together, each with so many threads, and what they were measured to do altogether, by the size of their batches. */
export type Way = { workers: number; threads: number; measured: Measured[] }

export type Advice = Batching & { workers: number; inferenceThreads: number; why: string }

/** Chooses among ways to use all cores: the first unless another is faster by more than nothing. Throws RangeError when nothing was measured. */
export function advise<W extends Way>(ways: readonly W[]): { advice: Advice; way: W } {
  const best = Math.max(...ways.map(bestRate))
  const way = ways.find((each) => bestRate(each) >= WORTH_IT * best)
  if (!way) throw new RangeError('nothing was measured')
  const { workers, threads, measured } = way
  const batching = chooseBatching(measured)
  const rate = measured.find(({ batch }) => batch === batching.maxBatch)?.imagesPerSecond ?? Number.NaN
  const why = `Fastest here: ${workers} ${workers === 1 ? 'worker' : 'workers'}, ${rate.toFixed(1)} images a second by the model alone.`
  return { advice: { ...batching, workers, inferenceThreads: threads, why }, way }
}

function bestRate({ measured }: Way): number {
  return Math.max(...measured.map(({ imagesPerSecond }) => imagesPerSecond))
}
