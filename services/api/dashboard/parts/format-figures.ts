const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** `4.2 %` of a whole; a dash when there is no whole. */
export function shareText(part: number, whole: number): string {
  if (whole === 0) return '–'
  const percent = (100 * part) / whole
  return `${percent > 0 && percent < 10 ? percent.toFixed(1) : Math.round(percent)} %`
}

/** `42 s`, `3 min`, `2 h 5 min`, `4 d 3 h`: as exact as anybody needs. */
export function durationText(seconds: number): string {
  if (seconds < MINUTE) return `${Math.round(seconds)} s`
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min`
  if (seconds < DAY) return pair(seconds, [HOUR, 'h'], [MINUTE, 'min'])
  return pair(seconds, [DAY, 'd'], [HOUR, 'h'])
}

/** `87 ms`, `1.4 s`, or longer. */
export function latencyText(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`
  return milliseconds < 10_000 ? `${(milliseconds / 1000).toFixed(1)} s` : durationText(milliseconds / 1000)
}

/** A rate in the unit of time in which it is one or more. */
export function rateOf(perMinute: number): { count: string; unit: 'minute' | 'hour' | 'day' } {
  if (perMinute >= 1 || perMinute === 0) return { count: rounded(perMinute), unit: 'minute' }
  return perMinute * 60 >= 1
    ? { count: rounded(perMinute * 60), unit: 'hour' }
    : { count: rounded(perMinute * 1440), unit: 'day' }
}

/** Of a whole set of scores, one below the other. */
export function scoreText(score: number): string {
  return score.toFixed(3)
}

/** As people write them: `0.54`, `0.545`. */
export function thresholdText(threshold: number): string {
  return threshold.toFixed(3).replace(/0$/, '')
}

/** The beginning of a hash, which is enough to recognise it. */
export function shortHash(hash: string): string {
  return hash.slice(0, 10)
}

function rounded(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : String(Math.round(value * 10) / 10)
}

function pair(seconds: number, [big, bigName]: [number, string], [small, smallName]: [number, string]): string {
  const rest = Math.floor((seconds % big) / small)
  return `${Math.floor(seconds / big)} ${bigName}${rest > 0 ? ` ${rest} ${smallName}` : ''}`
}
