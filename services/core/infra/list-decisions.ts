import { sql } from 'kysely'
import { z } from 'zod'
import type { Decision } from '../domain/decision.ts'
import { AppError } from '../domain/errors.ts'
import type { Database } from './database.ts'
import { DECISION_COLUMNS, FACTS_COLUMNS, toView, type UploadRow, VERDICTS } from './upload-rows.ts'
import type { DecisionFilter, Page } from './upload-store.ts'

type Position = { decidedAt: Date; id: string }

const COLUMNS = sql.raw([...FACTS_COLUMNS, ...DECISION_COLUMNS].map((column) => `uploads.${column}`).join(', '))

/** Where the order of the decisions is read from: all of them, or those in which a policy found something. */
const EVERY_DECISION = { from: sql`uploads`, tenant: sql`uploads.tenant`, at: sql`uploads.decided_at`, id: sql`uploads.id` }
const FOUND_BY_POLICY = {
  from: sql`decisions AS found JOIN uploads ON uploads.id = found.upload_id`,
  tenant: sql`found.tenant`,
  at: sql`found.decided_at`,
  id: sql`found.upload_id`,
}

/** See `UploadStore.listDecisions`. A page begins after the last decision of the page before, wherever newer ones have come in since. */
export async function listDecisions(
  { kysely }: Database,
  tenant: string,
  { action, policy, since }: DecisionFilter,
  { cursor, limit }: { cursor?: string | undefined; limit: number },
): Promise<Page<Decision>> {
  const read = policy === undefined ? EVERY_DECISION : FOUND_BY_POLICY
  const conditions = [sql`${read.tenant} = ${tenant}`, sql`uploads.status = 'decided'`]
  if (policy !== undefined) conditions.push(sql`found.policy_id = ${policy} AND found.action <> 'approve'`)
  if (action !== undefined) conditions.push(sql`uploads.action = ${action}`)
  if (since !== undefined) conditions.push(sql`${read.at} >= ${since}`)
  if (cursor !== undefined) {
    const { decidedAt, id } = parseCursor(cursor)
    conditions.push(sql`(${read.at}, ${read.id}) < (${decidedAt}, ${id})`)
  }
  const { rows } = await sql<UploadRow>`
    SELECT ${COLUMNS}, ${sql.raw(VERDICTS)} AS verdicts FROM ${read.from}
    WHERE ${sql.join(conditions, sql` AND `)}
    ORDER BY ${read.at} DESC, ${read.id} DESC LIMIT ${limit + 1}`.execute(kysely)
  const items = rows.slice(0, limit).map((row) => toView(row) as Decision)
  const last = items.at(-1)
  return { items, nextCursor: rows.length > limit && last ? formatCursor(last) : undefined }
}

function formatCursor({ decided_at, id }: Decision): string {
  return Buffer.from(`${decided_at} ${id}`).toString('base64url')
}

const position = z.tuple([z.iso.datetime(), z.uuid()])

/** Throws AppError `invalid-request` for what `formatCursor` has not made. */
function parseCursor(cursor: string): Position {
  const parsed = position.safeParse(Buffer.from(cursor, 'base64url').toString().split(' '))
  if (!parsed.success) throw new AppError('invalid-request', 'the cursor is not one of ours')
  const [decidedAt, id] = parsed.data
  return { decidedAt: new Date(decidedAt), id }
}
