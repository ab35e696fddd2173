import { createHash } from 'node:crypto'
import { limitFailures } from './limit-failures.ts'

export type VerifierOptions = {
  /** For how long a wrong secret is not asked about again. */
  wrongForMs?: number
  now?: () => number
}

export type Verifier<T> = {
  /** What `secret` stands for. Throws AppError `rate-limited` when its address has sent too many wrong ones. */
  verify(secret: string, address: string): Promise<T | undefined>
  /** What is remembered of it, without asking anybody. */
  recall(secret: string): T | undefined
  /** From now on the secret is wrong. */
  end(secret: string): void
  /** The next request with one of these asks again. */
  forget(matches: (value: T) => boolean): void
}

const REMEMBERED_MS = 5000
const MOST_REMEMBERED = 1000
const MOST_FAILURES = 100
const FAILURES_MS = 60_000

/**
 * Spares the database a query for each request: a right secret works on for 5 s when it is revoked elsewhere, and a wrong one is not asked about again for as
 * long. New wrong ones cost a query each, until there were 100 from an address in a minute. One that was right before is asked about whatever comes from its
 * address, which may be a proxy's. Secrets themselves are not kept.
 */
export function createVerifier<T>(
  lookUp: (secret: string) => Promise<T | undefined>,
  { wrongForMs = REMEMBERED_MS, now = () => performance.now() }: VerifierOptions = {},
): Verifier<T> {
  const right = new Map<string, { value: T; until: number }>()
  const wrong = new Map<string, { until: number }>()
  const asked = new Map<string, Promise<T | undefined>>()
  const limited = limitFailures({ most: MOST_FAILURES, windowMs: FAILURES_MS, now })

  const isWrong = (digest: string) => (wrong.get(digest)?.until ?? 0) > now()
  const recalled = (digest: string) => {
    const known = right.get(digest)
    return known && known.until > now() ? known.value : undefined
  }

  async function ask(digest: string, secret: string, address: string): Promise<T | undefined> {
    const query = () => lookUp(secret)
    const value = await (right.has(digest) ? query() : limited(address, query))
    right.delete(digest)
    // It may have ended while the answer was on its way.
    if (isWrong(digest)) return undefined
    if (value) remember(right, digest, { value, until: now() + REMEMBERED_MS })
    else remember(wrong, digest, { until: now() + wrongForMs })
    return value
  }

  return {
    async verify(secret, address) {
      const digest = digestOf(secret)
      const known = recalled(digest)
      if (known) return known
      if (isWrong(digest)) return undefined
      const asking = asked.get(digest) ?? ask(digest, secret, address).finally(() => asked.delete(digest))
      asked.set(digest, asking)
      return asking
    },
    recall: (secret) => recalled(digestOf(secret)),
    end(secret) {
      const digest = digestOf(secret)
      right.delete(digest)
      remember(wrong, digest, { until: now() + wrongForMs })
    },
    forget(matches) {
      for (const [digest, { value }] of right) if (matches(value)) right.delete(digest)
    },
  }
}

function digestOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64')
}

function remember<T>(memory: Map<string, T>, digest: string, value: T): void {
  memory.delete(digest)
  memory.set(digest, value)
  const [oldest] = memory.keys()
  if (memory.size > MOST_REMEMBERED && oldest !== undefined) memory.delete(oldest)
}
