/** Whoever asks for more is tried again after this, all the same. */
const LONGEST_MS = 3_600_000

/**
 * The pause in milliseconds that a Retry-After header asks for (RFC 9110, section 10.2.3): seconds, or a date that is compared with `now`.
 * At most an hour; undefined when there is none that can be read.
 */
export function parseRetryAfter(header: string | undefined, now: Date): number | undefined {
  const text = header?.trim() ?? ''
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : /GMT$/.test(text) ? Date.parse(text) - now.getTime() : Number.NaN
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), LONGEST_MS)
}
