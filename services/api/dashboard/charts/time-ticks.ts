const MINUTE_MS = 60_000
const DAY_MS = 1440 * MINUTE_MS
/** Steps of a clock and a calendar that people read at a glance. */
const STEPS_MS = [5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080].map((minutes) => minutes * MINUTE_MS)

export type TimeTick = { index: number; at: Date; unit: 'time' | 'day' }

/**
 * Which of the evenly spaced moments `times` get a label, so that labels stand at round local times and at least `spacing` of the `width` apart
 * (both in pixels).
 */
export function timeTicks(times: Date[], width: number, spacing = 64): TimeTick[] {
  const [first, second] = times
  if (!first || !second) return []
  const bucketMs = second.getTime() - first.getTime()
  const mostTicks = Math.max(1, Math.floor(width / spacing))
  const stepMs = STEPS_MS.find((step) => step >= bucketMs && (times.length * bucketMs) / step <= mostTicks) ?? 14 * DAY_MS
  return times.flatMap((at, index) => {
    const local = localMs(at)
    if (Math.floor(local / stepMs) === Math.floor((local - bucketMs) / stepMs)) return []
    return [{ index, at, unit: stepMs >= DAY_MS || local % DAY_MS < bucketMs ? 'day' : 'time' }]
  })
}

/** As if the reader's clock ran in UTC, so that its days begin at multiples of a day. */
function localMs(at: Date): number {
  return at.getTime() - at.getTimezoneOffset() * MINUTE_MS
}
