import type { Logger } from './logger.ts'

/** A line may go to a log that knows more than the common one, such as a request's. */
export type RateLimitedLog = (error: unknown, message: string, to?: Pick<Logger, 'error'>) => void

/**
 * Logs errors that can come in floods, at most `perSecond` lines in any second; the next line says how many were left out. A process has three such logs at
 * most, and so ten lines a second.
 */
export function rateLimitedLog(
  log: Pick<Logger, 'error'>,
  { perSecond = 3, now = () => performance.now() } = {},
): RateLimitedLog {
  const latest: number[] = []
  let leftOut = 0
  return (error, message, to = log) => {
    const at = now()
    if (latest.length === perSecond && at - (latest[0] ?? 0) < 1000) {
      leftOut++
      return
    }
    latest.push(at)
    if (latest.length > perSecond) latest.shift()
    to.error({ err: error, ...(leftOut > 0 && { leftOut }) }, message)
    leftOut = 0
  }
}
