import { type Kysely, type RawBuilder, sql } from 'kysely'
import { validate as isUuid } from 'uuid'
import type { ReviewState } from '../domain/review.ts'
import { columnsOf, type ReviewRow, SELECT_WITH_VERDICTS } from './review-rows.ts'
import type { Tables } from './tables.ts'

/**
 * Those of `ids` that the tenant has: nobody else changes them until the transaction ends. Their uploads are locked first, as they are by whoever erases one,
 * and all of them in one order: so no two wait for each other.
 */
export async function lockReviews(transaction: Kysely<Tables>, tenant: string, ids: string[]): Promise<ReviewRow[]> {
  const known = ids.filter((id) => isUuid(id))
  if (known.length === 0) return []
  const { rows } = await sql<ReviewRow>`
    ${sql.raw(SELECT_WITH_VERDICTS)} WHERE reviews.tenant = ${tenant} AND reviews.id = ANY (${known}) ORDER BY upload_id
    FOR KEY SHARE OF uploads FOR NO KEY UPDATE OF reviews`.execute(transaction)
  return rows
}

/** The same for reviews that `such` finds (a condition, with an order and a limit), without those that somebody else has locked. */
export async function lockFreeReviews(transaction: Kysely<Tables>, such: RawBuilder<unknown>): Promise<ReviewRow[]> {
  const { rows } = await sql<ReviewRow>`
    ${sql.raw(SELECT_WITH_VERDICTS)} WHERE ${such}
    FOR KEY SHARE OF uploads SKIP LOCKED FOR NO KEY UPDATE OF reviews SKIP LOCKED`.execute(transaction)
  return rows
}

/** Puts reviews that are locked into `state`. Resolves to their rows as they are then. */
export async function setState<Row extends ReviewRow>(
  transaction: Kysely<Tables>,
  rows: Row[],
  state: ReviewState,
): Promise<Row[]> {
  if (rows.length === 0) return []
  const columns = columnsOf(state)
  const ids = rows.map(({ review_id }) => review_id)
  await transaction.updateTable('reviews').set(columns).where('id', 'in', ids).execute()
  return rows.map((row) => ({ ...row, ...columns }))
}
