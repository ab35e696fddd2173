import { normalizeIP } from '@fastify/rate-limit'
import { AppError } from '../core/domain/errors.ts'

export type FailureLimit = { most: number; windowMs: number; now: () => number }

const MOST_ADDRESSES = 5000

/**
 * Runs attempts, which fail when they resolve to undefined, until an address has failed `most` times in a window that begins with its first failure; further ones are
 * refused with AppError `rate-limited` until the window is over. Attempts under way count. Of IPv6 the first 64 bits are an address.
 */
export function limitFailures({ most, windowMs, now }: FailureLimit) {
  const windows = new Map<string, { failures: number; until: number }>()

  function windowOf(address: string) {
    const found = windows.get(address)
    if (found && found.until > now()) return found
    windows.delete(address)
    const opened = { failures: 0, until: now() + windowMs }
    windows.set(address, opened)
    const [oldest] = windows.keys()
    if (windows.size > MOST_ADDRESSES && oldest !== undefined) windows.delete(oldest)
    return opened
  }

  return async <T>(address: string, attempt: () => Promise<T | undefined>): Promise<T | undefined> => {
    const window = windowOf(normalizeIP(address))
    if (window.failures >= most)
      throw new AppError('rate-limited', 'too many wrong keys have come from this address', {
        details: { retry_after: Math.ceil((window.until - now()) / 1000) },
      })
    window.failures++
    let failed = false
    try {
      const result = await attempt()
      failed = result === undefined
      return result
    } finally {
      if (!failed) window.failures--
    }
  }
}
