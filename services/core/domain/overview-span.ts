export const OVERVIEW_WINDOWS = ['1h', '24h', '7d', '30d'] as const
export type OverviewWindow = (typeof OVERVIEW_WINDOWS)[number]

/** How a window is cut: into buckets, which are shown, and each of these into slices, which are counted. */
type Cut = { buckets: number; bucketSeconds: number; slicesPerBucket: number }

const CUTS: Record<OverviewWindow, Cut> = {
  '1h': { buckets: 60, bucketSeconds: 60, slicesPerBucket: 1 },
  '24h': { buckets: 48, bucketSeconds: 1800, slicesPerBucket: 2 },
  '7d': { buckets: 56, bucketSeconds: 10_800, slicesPerBucket: 3 },
  '30d': { buckets: 30, bucketSeconds: 86_400, slicesPerBucket: 24 },
}

/** A window that ends at a moment. Its buckets begin at multiples of their length (UTC), and the last is not over yet. */
export type OverviewSpan = Cut & {
  window: OverviewWindow
  from: Date
  to: Date
  sliceSeconds: number
  /** Those that have begun. */
  slices: number
}

export function spanOf(window: OverviewWindow, to: Date): OverviewSpan {
  const cut = CUTS[window]
  const { buckets, bucketSeconds, slicesPerBucket } = cut
  const bucketMs = bucketSeconds * 1000
  const from = new Date((Math.floor(to.getTime() / bucketMs) + 1 - buckets) * bucketMs)
  const sliceSeconds = bucketSeconds / slicesPerBucket
  const slices = Math.floor((to.getTime() - from.getTime()) / (sliceSeconds * 1000)) + 1
  return { ...cut, window, from, to, sliceSeconds, slices }
}

/** When a window begins that ends now, for whoever does not count by buckets. */
export function windowStart(window: OverviewWindow, now: Date): Date {
  const { buckets, bucketSeconds } = CUTS[window]
  return new Date(now.getTime() - buckets * bucketSeconds * 1000)
}
