import { type Kysely, type Selectable, sql, type Transaction, type UpdateObject } from 'kysely'
import { validate as isUuid, v7 as uuidv7 } from 'uuid'
import { THE_SERVICE } from '../domain/audit.ts'
import { AppError } from '../domain/errors.ts'
import { appendAudit } from './audit-log.ts'
import type { Database } from './database.ts'
import type { SecretBox } from './secret-box.ts'
import type { Tables } from './tables.ts'
import { formatWebhookSecret, newWebhookSecret } from './webhook-signature.ts'
import {
  MOST_ENDPOINTS,
  type WebhookChanges,
  type WebhookEndpoint,
  type WebhookState,
  type WebhookStore,
} from './webhook-store.ts'

type Row = Selectable<Tables['webhook_endpoints']>

/** Deliveries that go with their endpoint are deleted by so many, each time within the database's time limit. */
const PAGE = 5000

export function createPgWebhookStore({ kysely }: Database, box: SecretBox): WebhookStore {
  return {
    create: ({ tenant, url, description, eventTypes }, by = THE_SERVICE) =>
      kysely.transaction().execute(async (transaction) => {
        await refuseTooMany(transaction, tenant)
        const row = await transaction
          .insertInto('webhook_endpoints')
          .values({ id: uuidv7(), tenant, url, description: description || null, event_types: eventTypes })
          .returningAll()
          .executeTakeFirstOrThrow()
        const secret = await addSecret(transaction, box, row.id)
        const details = { origin: originOf(url), event_types: eventTypes }
        await appendAudit(transaction, { tenant, actor: by, action: 'webhook.create', subject: row.id, details })
        return { endpoint: toEndpoint(row), secret }
      }),

    async list(tenant) {
      const rows = await kysely.selectFrom('webhook_endpoints').selectAll().where('tenant', '=', tenant).orderBy('id').execute()
      return rows.map(toEndpoint)
    },

    async find(tenant, id) {
      if (!isUuid(id)) return undefined
      const row = await kysely
        .selectFrom('webhook_endpoints')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .executeTakeFirst()
      return row && toEndpoint(row)
    },

    async update(tenant, id, changes, by = THE_SERVICE) {
      const values = valuesOf(changes)
      if (!isUuid(id) || Object.keys(values).length === 0) return this.find(tenant, id)
      return kysely.transaction().execute(async (transaction) => {
        const row = await setValues(transaction, tenant, id, values)
        if (!row) return undefined
        await appendAudit(transaction, { tenant, actor: by, action: 'webhook.update', subject: id, details: detailsOf(changes) })
        return toEndpoint(row)
      })
    },

    async remove(tenant, id, by = THE_SERVICE) {
      if (!isUuid(id) || !(await setValues(kysely, tenant, id, valuesOf({ state: 'disabled' })))) return false
      let deleted: bigint
      do {
        const page = kysely.selectFrom('deliveries').select('id').where('endpoint_id', '=', id).limit(PAGE)
        deleted = (await kysely.deleteFrom('deliveries').where('id', 'in', page).executeTakeFirst()).numDeletedRows
      } while (deleted > 0n)
      return kysely.transaction().execute(async (transaction) => {
        const removed = await transaction.deleteFrom('webhook_endpoints').where('id', '=', id).executeTakeFirst()
        if (removed.numDeletedRows === 0n) return false
        await appendAudit(transaction, { tenant, actor: by, action: 'webhook.delete', subject: id })
        return true
      })
    },

    rotateSecret: (tenant, id, { overlapSeconds }, by = THE_SERVICE) =>
      kysely.transaction().execute(async (transaction) => {
        if (!(await lock(transaction, tenant, id))) return undefined
        const until = sql<Date>`now() + ${overlapSeconds} * interval '1 second'`
        const previousExpiresAt = (await transaction.selectNoFrom(until.as('at')).executeTakeFirstOrThrow()).at
        await transaction
          .deleteFrom('webhook_secrets')
          .where('endpoint_id', '=', id)
          .where('expires_at', '<=', sql<Date>`now()`)
          .execute()
        await transaction
          .updateTable('webhook_secrets')
          .set({ expires_at: sql`least(expires_at, ${previousExpiresAt}::timestamptz)` })
          .where('endpoint_id', '=', id)
          .execute()
        const secret = await addSecret(transaction, box, id)
        const details = { previous_expires_at: previousExpiresAt.toISOString() }
        await appendAudit(transaction, { tenant, actor: by, action: 'webhook.rotate-secret', subject: id, details })
        return { secret, previousExpiresAt }
      }),
  }
}

/** Whoever creates one waits for others of the same tenant that do. */
async function refuseTooMany(transaction: Transaction<Tables>, tenant: string): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(hashtext('pixwarden webhooks'), hashtext(${tenant}))`.execute(transaction)
  const { count } = await transaction
    .selectFrom('webhook_endpoints')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('tenant', '=', tenant)
    .executeTakeFirstOrThrow()
  if (Number(count) >= MOST_ENDPOINTS)
    throw new AppError('too-many-webhooks', `a tenant has at most ${MOST_ENDPOINTS} webhooks: delete one first`)
}

async function lock(transaction: Transaction<Tables>, tenant: string, id: string): Promise<boolean> {
  if (!isUuid(id)) return false
  const row = await transaction
    .selectFrom('webhook_endpoints')
    .select('id')
    .where('tenant', '=', tenant)
    .where('id', '=', id)
    .forNoKeyUpdate()
    .executeTakeFirst()
  return row !== undefined
}

async function addSecret(kysely: Kysely<Tables>, box: SecretBox, endpointId: string): Promise<string> {
  const secret = newWebhookSecret()
  await kysely
    .insertInto('webhook_secrets')
    .values({ endpoint_id: endpointId, secret: box.seal(secret, endpointId) })
    .execute()
  return formatWebhookSecret(secret)
}

function setValues(
  kysely: Kysely<Tables>,
  tenant: string,
  id: string,
  values: ReturnType<typeof valuesOf>,
): Promise<Row | undefined> {
  return kysely
    .updateTable('webhook_endpoints')
    .set(values)
    .where('tenant', '=', tenant)
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst()
}

/** What is written down of changes. The rest of a URL may hold a secret. */
function detailsOf({ url, description, eventTypes, state }: WebhookChanges): Record<string, unknown> {
  return {
    ...(url !== undefined && { origin: originOf(url) }),
    ...(description !== undefined && { description: 'changed' }),
    ...(eventTypes && { event_types: eventTypes }),
    ...(state && { state }),
  }
}

function originOf(url: string): string {
  return new URL(url).origin
}

function valuesOf({ url, description, eventTypes, state }: WebhookChanges): UpdateObject<Tables, 'webhook_endpoints'> {
  return {
    ...(url !== undefined && { url }),
    ...(description !== undefined && { description: description || null }),
    ...(eventTypes && { event_types: eventTypes }),
    ...(state === 'enabled' && { state, disabled_reason: null, disabled_at: null, failures: 0, paused_until: null }),
    ...(state === 'disabled' && {
      state,
      disabled_reason: sql`coalesce(disabled_reason, 'request')`,
      disabled_at: sql`coalesce(disabled_at, now())`,
    }),
  }
}

function toEndpoint(row: Row): WebhookEndpoint {
  const { id, tenant, url, description, event_types, created_at } = row
  return {
    id,
    tenant,
    url,
    description: description ?? undefined,
    eventTypes: event_types,
    state: stateOf(row),
    createdAt: created_at,
  }
}

function stateOf({ disabled_reason: reason, disabled_at: since, failures, paused_until }: Row): WebhookState {
  if (reason !== null && since !== null) return { kind: 'disabled', reason, since }
  return { kind: 'enabled', failures, pausedUntil: paused_until ?? undefined }
}
