/** A share of counted cases with its 95 % interval, all in [0, 1]. */
export type Proportion = { count: number; of: number; share: number; low: number; high: number }

/** What a threshold does to labelled images. Precision is that of these images: a rarer subject has a lower one. */
export type Performance = { recall: Proportion; precision: Proportion; falsePositiveRate: Proportion }

/** Standard normal quantile of a two-sided 95 % interval. */
const Z = 1.959964

/** `count` cases of `of`, with Wilson's score interval (Wilson 1927), which stays within [0, 1] and holds for few cases. Of none, the share is NaN and the interval all of [0, 1]. */
export function proportion(count: number, of: number): Proportion {
  if (of === 0) return { count, of, share: Number.NaN, low: 0, high: 1 }
  const share = count / of
  const width = 1 + Z ** 2 / of
  const centre = (share + Z ** 2 / (2 * of)) / width
  const half = (Z / width) * Math.sqrt((share * (1 - share)) / of + Z ** 2 / (4 * of ** 2))
  return { count, of, share, low: count === 0 ? 0 : centre - half, high: count === of ? 1 : centre + half }
}

/** Counts what a rule does that matches at `threshold` and above, as rules do. */
export function performanceAt(threshold: number, positives: number[], negatives: number[]): Performance {
  const matched = (scores: number[]) => scores.filter((score) => score >= threshold).length
  const [hits, falseAlarms] = [matched(positives), matched(negatives)]
  return {
    recall: proportion(hits, positives.length),
    precision: proportion(hits, hits + falseAlarms),
    falsePositiveRate: proportion(falseAlarms, negatives.length),
  }
}

/** The lowest threshold of `decimals` places that at most the share `rate`, in [0, 1), of the negatives reaches. Throws RangeError for no negatives. */
export function thresholdAt(rate: number, negatives: number[], decimals = 2): number {
  const descending = negatives.toSorted((a, b) => b - a)
  const mustStayBelow = descending[Math.floor(rate * negatives.length)]
  if (mustStayBelow === undefined) throw new RangeError('a threshold needs negatives, and a rate below 1')
  const steps = 10 ** decimals
  const step = Math.ceil(mustStayBelow * steps)
  return step / steps > mustStayBelow ? step / steps : (step + 1) / steps
}

/** Area under the ROC curve: how often a positive scores above a negative, a tie counting half (Mann and Whitney's U). NaN when there are none of either. */
export function auroc(positives: number[], negatives: number[]): number {
  const ascending = negatives.toSorted((a, b) => a - b)
  const below = (score: number) => firstIndex(ascending, (x) => x >= score)
  const upTo = (score: number) => firstIndex(ascending, (x) => x > score)
  const wins = positives.reduce((sum, score) => sum + (below(score) + upTo(score)) / 2, 0)
  return wins / (positives.length * negatives.length)
}

/** Index of the first value that `holds`, where those that hold come last; the length when none does. */
function firstIndex(ascending: number[], holds: (value: number) => boolean): number {
  let [low, high] = [0, ascending.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (holds(ascending[middle] as number)) high = middle
    else low = middle + 1
  }
  return low
}
