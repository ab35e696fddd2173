import type { Database, Statement } from './database.ts'
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

export function createPgIdempotencyStore({ kysely, run }: Database): IdempotencyStore {
  return {
    async reserve(tenant, key) {
      const { rowCount } = await run(RESERVE, [tenant, key])
      if (rowCount === 1) return { state: 'reserved' }
      const held = await kysely
        .selectFrom('idempotency_keys')
        .select(['upload_id', 'request_hash'])
        .where('tenant', '=', tenant)
        .where('key', '=', key)
        .executeTakeFirst()
      if (!held || held.upload_id === null || held.request_hash === null) return { state: 'running' }
      return { state: 'done', uploadId: held.upload_id, requestHash: held.request_hash }
    },

    async release(tenant, key) {
      await kysely
        .deleteFrom('idempotency_keys')
        .where('tenant', '=', tenant)
        .where('key', '=', key)
        .where('upload_id', 'is', null)
        .execute()
    },
  }
}
