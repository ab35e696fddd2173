import { type Kysely, sql } from 'kysely'
import type { AuditActor } from '../domain/audit.ts'
import { type HandledType, reviewHandled } from '../domain/events.ts'
import { claimed, released } from '../domain/review.ts'
import type { ReviewFilter } from '../domain/review-queue.ts'
import type { ReviewView } from '../domain/review-view.ts'
import type { Database } from './database.ts'
import { lockFreeReviews, lockReviews, setState } from './lock-reviews.ts'
import { insertEvents } from './review-events.ts'
import { IS_OPEN, matches } from './review-filter.ts'
import { type ReviewRow, showRow, showWithDecision, toState } from './review-rows.ts'
import type { Tables } from './tables.ts'

type Claiming = { tenant: string; by: AuditActor; leaseMs: number }

/** See `ReviewStore.claimNext`. What somebody else takes at this moment is passed over. */
export async function claimNextReviews(
  { kysely }: Database,
  { tenant, by, leaseMs }: Claiming,
  { filter, count }: { filter: ReviewFilter; count: number },
): Promise<ReviewView[]> {
  return kysely.transaction().execute(async (transaction) => {
    const skipped = sql`SELECT FROM review_skips WHERE review_id = reviews.id AND actor_id = ${by.id} AND until > now()`
    const mostUrgent = sql`
      reviews.tenant = ${tenant} AND ${IS_OPEN} AND ${matches(filter)} AND NOT EXISTS (${skipped})
      ORDER BY reviews.urgency DESC, reviews.id DESC LIMIT ${count}`
    const rows = await lockFreeReviews(transaction, mostUrgent)
    const [first] = rows
    if (!first) return []
    const taken = await setState(transaction, rows, claimed({ kind: 'open' }, by, first.now, leaseMs))
    await tell(transaction, 'review.claimed', taken)
    return taken.map((row) => showWithDecision(row, by.id))
  })
}

/** See `ReviewStore.claim`. */
export async function claimReview(
  { kysely }: Database,
  { tenant, by, leaseMs }: Claiming,
  id: string,
): Promise<ReviewView | undefined> {
  return kysely.transaction().execute(async (transaction) => {
    const [row] = await lockReviews(transaction, tenant, [id])
    if (!row) return undefined
    const isRenewed = showRow(row).state === 'claimed'
    const taken = await setState(transaction, [row], claimed(toState(row), by, row.now, leaseMs))
    if (!isRenewed) await tell(transaction, 'review.claimed', taken)
    return taken.map((each) => showWithDecision(each, by.id))[0]
  })
}

/** Time enough to do the others. */
const SKIPPED_FOR = sql`interval '1 hour'`

/** See `ReviewStore.release`. */
export async function releaseReview(
  { kysely }: Database,
  { tenant, by }: Pick<Claiming, 'tenant' | 'by'>,
  id: string,
  { skip }: { skip: boolean },
): Promise<ReviewView | undefined> {
  return kysely.transaction().execute(async (transaction) => {
    const [row] = await lockReviews(transaction, tenant, [id])
    if (!row) return undefined
    const state = released(toState(row), by, row.now)
    if (skip)
      await sql`
        INSERT INTO review_skips (review_id, actor_id, until) VALUES (${id}, ${by.id}, now() + ${SKIPPED_FOR})
        ON CONFLICT (review_id, actor_id) DO UPDATE SET until = excluded.until`.execute(transaction)
    if (row.state === 'open') return showRow(row, by.id)
    const left = await setState(transaction, [row], state)
    await tell(transaction, 'review.released', left)
    return left.map((each) => showRow(each, by.id))[0]
  })
}

/** See `ReviewUpkeep.releaseExpired`. */
export async function releaseExpired({ kysely }: Database, { limit }: { limit: number }): Promise<number> {
  return kysely.transaction().execute(async (transaction) => {
    const expired = sql`reviews.state = 'claimed' AND reviews.lease_until <= now() ORDER BY reviews.lease_until LIMIT ${limit}`
    const rows = await setState(transaction, await lockFreeReviews(transaction, expired), { kind: 'open' })
    await tell(transaction, 'review.released', rows)
    return rows.length
  })
}

async function tell(transaction: Kysely<Tables>, type: HandledType, rows: ReviewRow[]): Promise<void> {
  await insertEvents(
    transaction,
    rows.map((row) => ({ tenant: row.tenant, uploadId: row.id, event: reviewHandled(type, showRow(row), row.now) })),
  )
}
