import type { Logger } from './logger.ts'

export type RateLimitedLog = (error: unknown, message: string) => void

/** Logs errors that can come in floods, at most `perSecond` lines a second; the next line says how many were left out. */
export function rateLimitedLog(
  log: Pick<Logger, 'error'>,
  { perSecond = 10, now = () => performance.now() } = {},
): RateLimitedLog {
  let since = Number.NEGATIVE_INFINITY
  let lines = 0
  let leftOut = 0
  return (error, message) => {
    if (now() - since >= 1000) {
      since = now()
      lines = 0
    }
    if (lines >= perSecond) {
      leftOut++
      return
    }
    lines++
    log.error({ err: error, ...(leftOut > 0 && { leftOut }) }, message)
    leftOut = 0
  }
}
