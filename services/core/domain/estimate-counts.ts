import type { OverviewSpan } from './overview-span.ts'

/** What was read of a slice, oldest first: all that it holds, or its first `most`. */
export type SliceCounts<Key extends string> = { slice: number; read: number; latest: Date; counts: Record<Key, number> }

/**
 * Counts by bucket, in whole numbers. A slice of which only the first `most` were read is taken to have gone on at the same rate, and in the same proportions, to its
 * end: `sampled` tells whether there was one.
 */
export function estimateCounts<Key extends string>(
  slices: SliceCounts<Key>[],
  keys: readonly Key[],
  span: OverviewSpan,
  most: number,
): { buckets: Record<Key, number>[]; sampled: boolean } {
  const buckets = Array.from({ length: span.buckets }, () => zeros(keys))
  for (const each of slices) {
    const bucket = buckets[Math.floor(each.slice / span.slicesPerBucket)]
    if (!bucket) continue
    const factor = each.read < most ? 1 : growth(each, span)
    for (const key of keys) bucket[key] += each.counts[key] * factor
  }
  for (const bucket of buckets) for (const key of keys) bucket[key] = Math.round(bucket[key])
  return { buckets, sampled: slices.some(({ read }) => read >= most) }
}

/** The sum of all buckets. */
export function sumOf<Key extends string>(buckets: Record<Key, number>[], keys: readonly Key[]): Record<Key, number> {
  const sum = zeros(keys)
  for (const bucket of buckets) for (const key of keys) sum[key] += bucket[key]
  return sum
}

/** How much longer a slice is than what was read of it; at least 1. */
function growth({ slice, latest }: SliceCounts<string>, { from, to, sliceSeconds }: OverviewSpan): number {
  const startMs = from.getTime() + slice * sliceSeconds * 1000
  const endMs = Math.min(startMs + sliceSeconds * 1000, to.getTime())
  return Math.max(1, (endMs - startMs) / Math.max(1, latest.getTime() - startMs))
}

function zeros<Key extends string>(keys: readonly Key[]): Record<Key, number> {
  return Object.fromEntries(keys.map((key) => [key, 0])) as Record<Key, number>
}
