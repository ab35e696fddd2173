import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance } from 'fastify'
import { Redis } from 'ioredis'
import { AppError } from '../core/domain/errors.ts'

export type RateLimit = { perMinute: number; counts: Redis | undefined; prefix: string }

/** A count that takes longer is not worth waiting for. */
const COUNT_TIMEOUT_MS = 40

/**
 * Refuses requests to the routes that `app` gets from now on with AppError `rate-limited`, once their API key has made `perMinute` in a minute that begins with
 * its first one. The headers `ratelimit-limit`, `-remaining` and `-reset` (seconds) tell how it stands. Counts are in this process, for at most 5000 keys, or
 * in a Redis that several share; while that is away, nothing is refused.
 */
export async function limitRate(app: FastifyInstance, { perMinute, counts, prefix }: RateLimit): Promise<void> {
  await app.register(rateLimit, {
    max: perMinute,
    timeWindow: 60_000,
    keyGenerator: ({ apiKey }) => apiKey?.id ?? '',
    errorResponseBuilder: (_request, { ttl }) =>
      new AppError('rate-limited', `this key may send ${perMinute} uploads in a minute`, {
        details: { retry_after: Math.ceil(ttl / 1000) },
      }),
    enableDraftSpec: true,
    skipOnError: true,
    ...(counts && { redis: counts, nameSpace: `${prefix}:rate-limit:` }),
  })
}

/** A Redis for counts: commands fail rather than wait for it. That it is away is for the queue to say, which is on the same one. */
export function openCounts(url: string): Redis {
  return new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: COUNT_TIMEOUT_MS,
    socketTimeout: 2000,
    connectTimeout: 3000,
    retryStrategy: (times) => Math.min(50 * 2 ** times, 1000),
  }).on('error', () => {})
}
