/** Spans of time in which something was down, by performance.now(). */
export type Outages = {
  /** Notes when `work`, which takes `what` down and brings it back, began and ended. */
  during<T>(what: string, work: () => Promise<T>): Promise<T>
  /** Whether anything was down at any time from `fromMs` to `toMs`, or had been until just before. */
  overlap(fromMs: number, toMs: number): boolean
  /** How long each took, in seconds. */
  seconds(): { what: string; seconds: number }[]
}

/** Those who were refused come back all together. */
const RUSH_MS = 2000

export function createOutages(): Outages {
  const spans: { what: string; fromMs: number; toMs: number }[] = []
  return {
    async during(what, work) {
      const span = { what, fromMs: performance.now(), toMs: Number.POSITIVE_INFINITY }
      spans.push(span)
      try {
        return await work()
      } finally {
        span.toMs = performance.now()
      }
    },
    overlap: (fromMs, toMs) => spans.some((span) => span.fromMs <= toMs && fromMs <= span.toMs + RUSH_MS),
    seconds: () => spans.map(({ what, fromMs, toMs }) => ({ what, seconds: (toMs - fromMs) / 1000 })),
  }
}
