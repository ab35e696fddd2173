import { AppError } from '../domain/errors.ts'

/** Runs `work`, and rejects with AppError `store-unavailable` when it does, or takes longer than `timeoutMs`. */
export type Breaker = <T>(timeoutMs: number, work: () => Promise<T>) => Promise<T>

/** How often a call is let through to something that does not answer. */
const PROBE_EVERY_MS = 1000

/**
 * Guards calls to `what`, which may hang. A call that takes too long is given up, not undone; while there is one that still has no answer, others
 * are refused at once, so that nothing waits in vain or piles up.
 */
export function createBreaker(what: string, now = () => performance.now()): Breaker {
  let overdue = 0
  let probedAt = 0
  const unavailable = (cause?: unknown) => new AppError('store-unavailable', `${what} does not answer`, { cause })

  return (timeoutMs, work) =>
    new Promise((resolve, reject) => {
      if (overdue > 0 && now() - probedAt < PROBE_EVERY_MS) return reject(unavailable())
      probedAt = now()
      let late = false
      const timer = setTimeout(() => {
        late = true
        overdue++
        reject(unavailable())
      }, timeoutMs)
      const answered = () => {
        clearTimeout(timer)
        if (late) overdue--
      }
      work()
        .finally(answered)
        .then(resolve, (cause: unknown) => reject(unavailable(cause)))
    })
}
