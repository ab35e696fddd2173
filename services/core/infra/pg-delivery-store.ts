import { type Kysely, sql } from 'kysely'
import { validate as isUuid, v7 as uuidv7 } from 'uuid'
import { THE_SERVICE } from '../domain/audit.ts'
import { AppError } from '../domain/errors.ts'
import { webhookTest } from '../domain/events.ts'
import { appendAudit } from './audit-log.ts'
import type { Database } from './database.ts'
import { DELIVERIES_CHANNEL } from './delivery-queue.ts'
import type { Delivery, DeliveryState, DeliveryStore } from './delivery-store.ts'
import type { Tables } from './tables.ts'

type Row = {
  id: string
  endpoint_id: string
  event_id: string
  type: string
  created_at: Date
  state: DeliveryState
  attempts: number
  next_at: Date
  last_at: Date | null
  last_status: number | null
  last_error: string | null
  last_duration_ms: number | null
}
const COLUMNS = [
  'deliveries.id',
  'endpoint_id',
  'event_id',
  'type',
  'events.created_at',
  'state',
  'attempts',
  'next_at',
  'last_at',
  'last_status',
  'last_error',
  'last_duration_ms',
] as const

const ANNOUNCE = sql`SELECT pg_notify(${sql.lit(DELIVERIES_CHANNEL)}, '')`

export function createPgDeliveryStore({ kysely }: Database): DeliveryStore {
  const deliveries = (tenant: string, database: Kysely<Tables> = kysely) =>
    database
      .selectFrom('deliveries')
      .innerJoin('events', 'events.id', 'event_id')
      .select(COLUMNS)
      .where('deliveries.tenant', '=', tenant)

  async function find(tenant: string, id: string, database?: Kysely<Tables>): Promise<Delivery | undefined> {
    const row = await deliveries(tenant, database).where('deliveries.id', '=', id).executeTakeFirst()
    return row && toDelivery(row)
  }

  /** Whether the tenant has it. Throws AppError `webhook-disabled` when it is. */
  async function requireEnabled(tenant: string, endpointId: string): Promise<boolean> {
    const endpoint = await kysely
      .selectFrom('webhook_endpoints')
      .select('state')
      .where('tenant', '=', tenant)
      .where('id', '=', endpointId)
      .executeTakeFirst()
    if (endpoint?.state === 'disabled')
      throw new AppError('webhook-disabled', 'the webhook is disabled: enable it, and try again')
    return endpoint !== undefined
  }

  return {
    async list(tenant, { endpointId, state }, { cursor, limit }) {
      let query = deliveries(tenant)
        .orderBy('event_id', 'desc')
        .orderBy('deliveries.id', 'desc')
        .limit(limit + 1)
      if (endpointId !== undefined) query = query.where('endpoint_id', '=', endpointId)
      if (state !== undefined) query = query.where('state', '=', state)
      if (cursor !== undefined) {
        const [eventId, id] = parseCursor(cursor)
        query = query.where(({ eb, refTuple, tuple }) => eb(refTuple('event_id', 'deliveries.id'), '<', tuple(eventId, id)))
      }
      const rows = await query.execute()
      const items = rows.slice(0, limit).map(toDelivery)
      const last = items.at(-1)
      return { items, nextCursor: rows.length > limit && last ? formatCursor(last) : undefined }
    },

    async find(tenant, id) {
      if (!isUuid(id)) return undefined
      const row = await deliveries(tenant).select(['body', 'history']).where('deliveries.id', '=', id).executeTakeFirst()
      return row && { ...toDelivery(row), body: row.body, history: row.history }
    },

    async redeliver(tenant, id, by = THE_SERVICE) {
      const found = isUuid(id) ? await find(tenant, id) : undefined
      if (!found) return undefined
      await requireEnabled(tenant, found.endpointId)
      // What a dispatcher has in hand is being sent as it is.
      return kysely.transaction().execute(async (transaction) => {
        await transaction
          .updateTable('deliveries')
          .set({ state: 'pending', attempts: 0, asked_at: sql`now()`, next_at: sql`greatest(now(), not_before)` })
          .where('id', '=', id)
          .where((is) => is.or([is('leased_until', 'is', null), is('leased_until', '<=', sql<Date>`now()`)]))
          .execute()
        await ANNOUNCE.execute(transaction)
        const details = { endpoint_id: found.endpointId, event_id: found.event.id }
        await appendAudit(transaction, { tenant, actor: by, action: 'webhook.redeliver', subject: id, details })
        return find(tenant, id, transaction)
      })
    },

    async sendTest(tenant, endpointId, by = THE_SERVICE) {
      if (!isUuid(endpointId) || !(await requireEnabled(tenant, endpointId))) return undefined
      const at = new Date()
      const event = webhookTest(endpointId, at)
      return kysely.transaction().execute(async (transaction) => {
        const eventId = uuidv7()
        await transaction
          .insertInto('events')
          .values({ id: eventId, tenant, type: event.type, body: JSON.stringify(event), created_at: at })
          .execute()
        const delivery = await transaction
          .insertInto('deliveries')
          .values({ tenant, event_id: eventId, endpoint_id: endpointId })
          .returning('id')
          .executeTakeFirstOrThrow()
        await ANNOUNCE.execute(transaction)
        await appendAudit(transaction, { tenant, actor: by, action: 'webhook.test', subject: endpointId })
        return find(tenant, delivery.id, transaction)
      })
    },
  }
}

function toDelivery(row: Row): Delivery {
  const {
    id,
    endpoint_id,
    event_id,
    type,
    created_at,
    state,
    attempts,
    next_at,
    last_at,
    last_status,
    last_error,
    last_duration_ms,
  } = row
  return {
    id,
    endpointId: endpoint_id,
    event: { id: event_id, type, createdAt: created_at },
    state,
    attempts,
    nextAt: state === 'pending' ? next_at : undefined,
    last:
      last_at === null
        ? undefined
        : { at: last_at, status: last_status ?? undefined, error: last_error ?? undefined, durationMs: last_duration_ms ?? 0 },
  }
}

function formatCursor({ event, id }: Delivery): string {
  return Buffer.from(`${event.id} ${id}`).toString('base64url')
}

function parseCursor(cursor: string): [eventId: string, id: string] {
  const [eventId, id] = Buffer.from(cursor, 'base64url').toString().split(' ')
  if (!isUuid(eventId) || !isUuid(id)) throw new AppError('invalid-request', 'the cursor is not one of ours')
  return [eventId as string, id as string]
}
