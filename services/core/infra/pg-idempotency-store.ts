import type { Database, Statement } from './database.ts'
import { mayBeDone } from './store-error.ts'
import { type IdempotencyStore, RESERVATION_SECONDS } from './upload-store.ts'

/** Takes a key that is free, expired, or held by a request that must be dead; and sweeps a few expired ones, so that none pile up. */
const RESERVE: Statement = {
  name: 'reserve-idempotency-key',
  text: `
    WITH swept AS (
      DELETE FROM idempotency_keys WHERE (tenant, key) IN (
        SELECT tenant, key FROM idempotency_keys
        WHERE created_at < now() - interval '24 hours' AND (tenant, key) <> ($1, $2)
        ORDER BY created_at LIMIT 3 FOR UPDATE SKIP LOCKED)
    )
    INSERT INTO idempotency_keys AS held (tenant, key) VALUES ($1, $2)
    ON CONFLICT (tenant, key) DO UPDATE SET upload_id = NULL, request_hash = NULL, created_at = now()
    WHERE held.created_at < now() - CASE WHEN held.upload_id IS NULL
      THEN ${RESERVATION_SECONDS} * interval '1 second' ELSE interval '24 hours' END`,
}

/** Reservations whose end could not be written: they belong to nobody. */
const FREE: Statement = {
  name: 'free-idempotency-keys',
  text: `DELETE FROM idempotency_keys AS held USING unnest($1::text[], $2::text[]) AS left_over(tenant, key)
    WHERE held.tenant = left_over.tenant AND held.key = left_over.key AND upload_id IS NULL`,
}

/** More than that lapse by themselves. */
const MOST_REMEMBERED = 10_000

type Key = { tenant: string; key: string }

/**
 * A key that cannot be released, because the database is away, is released before the next is reserved: who is told to try again must not find
 * their own key held.
 */
export function createPgIdempotencyStore({ kysely, run }: Database): IdempotencyStore {
  const leftOver = new Map<string, Key>()
  const remember = (each: Key) => {
    if (leftOver.size < MOST_REMEMBERED) leftOver.set(JSON.stringify(each), each)
  }
  const free = async (keys: Key[]) => {
    try {
      await run(FREE, [keys.map(({ tenant }) => tenant), keys.map(({ key }) => key)])
    } catch (error) {
      keys.forEach(remember)
      throw error
    }
  }
  const freeLeftOver = async () => {
    if (leftOver.size === 0) return
    const keys = [...leftOver.values()]
    leftOver.clear()
    await free(keys)
  }

  return {
    async reserve(tenant, key) {
      await freeLeftOver()
      try {
        const { rowCount } = await run(RESERVE, [tenant, key])
        if (rowCount === 1) return { state: 'reserved' }
      } catch (error) {
        if (mayBeDone(error)) remember({ tenant, key })
        throw error
      }
      const held = await kysely
        .selectFrom('idempotency_keys')
        .select(['upload_id', 'request_hash'])
        .where('tenant', '=', tenant)
        .where('key', '=', key)
        .executeTakeFirst()
      if (!held || held.upload_id === null || held.request_hash === null) return { state: 'running' }
      return { state: 'done', uploadId: held.upload_id, requestHash: held.request_hash }
    },

    release: (tenant, key) => free([{ tenant, key }]),
  }
}
