import { createHash } from 'node:crypto'
import type { ApiKey, ApiKeyStore } from '../core/infra/api-key-store.ts'
import { limitFailures } from './limit-failures.ts'

const REMEMBERED_MS = 5000
const MOST_REMEMBERED = 1000
const MOST_FAILURES = 100
const FAILURES_MS = 60_000

/**
 * Spares the database a query for each request: a right key works on for 5 s when it is revoked, and a wrong one is not asked about again for as long. New wrong keys
 * cost a query each, until there were 100 from an address in a minute: then AppError `rate-limited`. A key that was right before is asked about whatever
 * comes from its address, which may be a proxy's. Secrets themselves are not kept.
 */
export function createKeyVerifier(
  keys: Pick<ApiKeyStore, 'verify'>,
  { now = () => performance.now() }: { now?: () => number } = {},
): (secret: string, address: string) => Promise<ApiKey | undefined> {
  const right = new Map<string, { key: ApiKey; until: number }>()
  const wrong = new Map<string, { until: number }>()
  const asked = new Map<string, Promise<ApiKey | undefined>>()
  const limited = limitFailures({ most: MOST_FAILURES, windowMs: FAILURES_MS, now })

  async function ask(digest: string, secret: string, address: string): Promise<ApiKey | undefined> {
    const verify = () => keys.verify(secret)
    const key = await (right.has(digest) ? verify() : limited(address, verify))
    right.delete(digest)
    const until = now() + REMEMBERED_MS
    if (key) remember(right, digest, { key, until })
    else remember(wrong, digest, { until })
    return key
  }

  return async (secret, address) => {
    const digest = createHash('sha256').update(secret).digest('base64')
    const known = right.get(digest)
    if (known && known.until > now()) return known.key
    if ((wrong.get(digest)?.until ?? 0) > now()) return undefined
    const asking = asked.get(digest) ?? ask(digest, secret, address).finally(() => asked.delete(digest))
    asked.set(digest, asking)
    return asking
  }
}

function remember<T>(memory: Map<string, T>, digest: string, value: T): void {
  memory.delete(digest)
  memory.set(digest, value)
  const [oldest] = memory.keys()
  if (memory.size > MOST_REMEMBERED && oldest !== undefined) memory.delete(oldest)
}
