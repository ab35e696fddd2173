import type { Logger } from './logger.ts'

/** A line may go to a log that knows more than the common one, such as a request's. */
export type RateLimitedLog = (error: unknown, message: string, to?: Pick<Logger, 'error'>) => void

/** Logs errors that can come in floods, at most `perSecond` lines a second; the next line says how many were left out. */
export function rateLimitedLog(
  log: Pick<Logger, 'error'>,
  { perSecond = 10, now = () => performance.now() } = {},
): RateLimitedLog {
  let since = Number.NEGATIVE_INFINITY
  let lines = 0
  let leftOut = 0
  return (error, message, to = log) => {
    if (now() - since >= 1000) {
      since = now()
      lines = 0
    }
    if (lines >= perSecond) {
      leftOut++
      return
    }
    lines++
    to.error({ err: error, ...(leftOut > 0 && { leftOut }) }, message)
    leftOut = 0
  }
}
