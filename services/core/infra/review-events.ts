import { type Kysely, sql } from 'kysely'
import { v7 as uuidv7 } from 'uuid'
import type { Event } from '../domain/events.ts'
import { DELIVERIES_CHANNEL } from './delivery-queue.ts'
import type { Tables } from './tables.ts'

/** An event about an upload. */
export type Happening = { id?: string | undefined; tenant: string; uploadId: string; event: Event }

/** Writes events down, frozen, in the given transaction. Resolves to their ids, new ones unless they were given. */
export async function insertEvents(transaction: Kysely<Tables>, happenings: Happening[]): Promise<string[]> {
  if (happenings.length === 0) return []
  const rows = happenings.map(({ id = uuidv7(), tenant, uploadId, event }) => ({
    id,
    tenant,
    type: event.type,
    upload_id: uploadId,
    body: JSON.stringify(event),
    created_at: new Date(event.timestamp),
  }))
  await transaction.insertInto('events').values(rows).execute()
  return rows.map(({ id }) => id)
}

/** Makes a delivery of each of these events for each webhook that hears of them; nothing is sent before `notBefore`. */
export async function addDeliveries(transaction: Kysely<Tables>, eventIds: string[], notBefore?: Date): Promise<void> {
  const { numAffectedRows = 0n } = await sql`
    INSERT INTO deliveries (tenant, event_id, endpoint_id, next_at, not_before)
    SELECT tenant, event.id, endpoint.id, greatest(now(), ${notBefore ?? null}::timestamptz), ${notBefore ?? null}::timestamptz
    FROM events AS event JOIN webhook_endpoints AS endpoint USING (tenant)
    WHERE event.id = ANY (${eventIds}) AND state = 'enabled' AND (event_types = '{}' OR type = ANY (event_types))`.execute(
    transaction,
  )
  const isDue = notBefore === undefined && numAffectedRows > 0n
  if (isDue) await sql`SELECT pg_notify(${sql.lit(DELIVERIES_CHANNEL)}, '')`.execute(transaction)
}

/** Takes an event back, with its deliveries. Resolves to false, with nothing decided for the transaction, when one has been handed to a dispatcher. */
export async function withdrawEvent(transaction: Kysely<Tables>, eventId: string): Promise<boolean> {
  const deliveries = await transaction
    .deleteFrom('deliveries')
    .where('event_id', '=', eventId)
    .returning(['lease', 'last_at'])
    .execute()
  if (deliveries.some(({ lease, last_at }) => lease !== null || last_at !== null)) return false
  await transaction.deleteFrom('events').where('id', '=', eventId).execute()
  return true
}
