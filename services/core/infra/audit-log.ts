import { type Kysely, sql, type Transaction } from 'kysely'
import type { AuditActor, AuditEntry, AuditRow } from '../domain/audit.ts'
import { hashAuditRow } from './audit-chain.ts'
import type { Database } from './database.ts'
import type { Tables } from './tables.ts'

/** A moment as the chain writes it, whatever the session's settings. */
const asText = (moment: string) => sql.raw<string>(`to_char(${moment} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`)

/**
 * Writes an action down: in the given transaction, and so with what it tells of or not at all, or else in one of its own. Others who append wait until
 * the transaction ends, so that it comes last in it.
 */
export async function appendAudit(database: Kysely<Tables> | Transaction<Tables>, entry: AuditEntry): Promise<void> {
  if (database.isTransaction) await append(database, entry)
  else await database.transaction().execute((transaction) => append(transaction, entry))
}

async function append(transaction: Kysely<Tables>, entry: AuditEntry): Promise<void> {
  const { tenant, actor, action, subject, details = {} } = entry
  const head = await transaction
    .selectFrom('audit_head')
    .select(['seq', 'hash', asText('clock_timestamp()').as('at')])
    .forUpdate()
    .executeTakeFirstOrThrow()
  const link = { seq: Number(head.seq) + 1, prevHash: head.hash, at: head.at }
  const row = { ...link, tenant, actor, action, subject, details: JSON.stringify(details) }
  const hash = hashAuditRow(row)
  await transaction
    .insertInto('audit_log')
    .values({
      seq: row.seq,
      at: row.at,
      tenant,
      actor_kind: actor.kind,
      actor_id: actor.id,
      actor_name: actor.name,
      action,
      subject,
      details: row.details,
      prev_hash: row.prevHash,
      hash,
    })
    .execute()
  await transaction.updateTable('audit_head').set({ seq: row.seq, hash }).execute()
}

/** `before` is the number of the row that the page before ended with. */
export type AuditFilter = {
  tenant?: string | undefined
  action?: string | undefined
  subject?: string | undefined
  before?: number | undefined
}

/** The newest rows first, at most `limit`. */
export async function listAudit({ kysely }: Database, filter: AuditFilter, limit: number): Promise<AuditRow[]> {
  const { tenant, action, subject, before } = filter
  let query = selectAudit(kysely).orderBy('seq', 'desc').limit(limit)
  if (tenant !== undefined) query = query.where('tenant', '=', tenant)
  if (action !== undefined) query = query.where('action', '=', action)
  if (subject !== undefined) query = query.where('subject', '=', subject)
  if (before !== undefined) query = query.where('seq', '<', String(before))
  return (await query.execute()).map(toAuditRow)
}

/** The columns that make an `AuditRow`. */
export function selectAudit(kysely: Kysely<Tables>) {
  return kysely
    .selectFrom('audit_log')
    .select(['seq', 'tenant', 'actor_kind', 'actor_id', 'actor_name', 'action', 'subject', 'prev_hash', 'hash'])
    .select([asText('at').as('at'), sql<string>`details::text`.as('details')])
}

type Selected = Awaited<ReturnType<ReturnType<typeof selectAudit>['executeTakeFirstOrThrow']>>

export function toAuditRow(row: Selected): AuditRow {
  const { seq, actor_kind, actor_id, actor_name, prev_hash: prevHash, ...rest } = row
  const actor: AuditActor = { kind: actor_kind, id: actor_id, name: actor_name }
  return { ...rest, seq: Number(seq), actor, prevHash }
}
