import { sql } from 'kysely'
import { z } from 'zod'
import type { Decision } from '../domain/decision.ts'
import { AppError } from '../domain/errors.ts'
import type { Database } from './database.ts'
import { DECISION_COLUMNS, FACTS_COLUMNS, toView, type UploadRow, VERDICTS } from './upload-rows.ts'
import type { DecisionFilter, Page } from './upload-store.ts'

type Position = { decidedAt: Date; id: string }

/** See `UploadStore.listDecisions`. A page begins after the last decision of the page before, wherever newer ones have come in since. */
export async function listDecisions(
  { kysely }: Database,
  tenant: string,
  { action, policy, since }: DecisionFilter,
  { cursor, limit }: { cursor?: string | undefined; limit: number },
): Promise<Page<Decision>> {
  let query = kysely
    .selectFrom('uploads')
    .select([...FACTS_COLUMNS, ...DECISION_COLUMNS])
    .select(sql.raw<UploadRow['verdicts']>(VERDICTS).as('verdicts'))
    .where('tenant', '=', tenant)
    .where('status', '=', 'decided')
    .orderBy('decided_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit + 1)
  if (action) query = query.where('action', '=', action)
  if (since) query = query.where('decided_at', '>=', since)
  if (policy !== undefined)
    query = query.where(({ exists, selectFrom }) =>
      exists(
        selectFrom('decisions')
          .select('policy_id')
          .whereRef('upload_id', '=', 'uploads.id')
          .where('policy_id', '=', policy)
          .where('decisions.action', '<>', 'approve'),
      ),
    )
  if (cursor !== undefined) {
    const { decidedAt, id } = parseCursor(cursor)
    query = query.where(({ eb, refTuple, tuple }) => eb(refTuple('decided_at', 'id'), '<', tuple(decidedAt, id)))
  }
  const rows: UploadRow[] = await query.execute()
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
