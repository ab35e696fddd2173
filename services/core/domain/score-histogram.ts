import type { ScoreKind } from './policy.ts'

/** Scores are counted in bins this wide; bin 0 begins at 0. */
export const BINS_PER_UNIT = 400

export type ScoreBin = { bin: number; count: number }
export type ScoreBucket = { from: number; to: number; count: number }

const BUCKETS = 40

/** Forty buckets of equal width: of [0, 1] for a score that is a share, else of the range that the scores have. None for no scores of such a kind. */
export function scoreHistogram(kind: ScoreKind, bins: ScoreBin[]): ScoreBucket[] {
  const { first, width } = rangeOf(kind, bins)
  if (width === 0) return []
  const edge = (index: number) => (first + index * width) / BINS_PER_UNIT
  const buckets = Array.from({ length: BUCKETS }, (_, index) => ({ from: edge(index), to: edge(index + 1), count: 0 }))
  for (const { bin, count } of bins) {
    // A score of 1 is in the last.
    const bucket = buckets[Math.min(Math.floor((bin - first) / width), BUCKETS - 1)]
    if (bucket) bucket.count += count
  }
  return buckets
}

/** In bins. */
function rangeOf(kind: ScoreKind, bins: ScoreBin[]): { first: number; width: number } {
  if (kind === 'softmax' || kind === 'sigmoid') return { first: 0, width: BINS_PER_UNIT / BUCKETS }
  if (bins.length === 0) return { first: 0, width: 0 }
  const places = bins.map(({ bin }) => bin)
  const first = Math.min(...places)
  return { first, width: Math.ceil((Math.max(...places) + 1 - first) / BUCKETS) }
}
