import type { Kysely } from 'kysely'
import { v7 as uuidv7 } from 'uuid'
import type { AuditActor } from '../domain/audit.ts'
import { AppError } from '../domain/errors.ts'
import { reviewHandled, reviewResolved } from '../domain/events.ts'
import { type Ruling, resolved, undoExpired, undone } from '../domain/review.ts'
import type { ReviewView } from '../domain/review-view.ts'
import { appendAudit } from './audit-log.ts'
import type { Database } from './database.ts'
import { lockReviews, setState } from './lock-reviews.ts'
import { addDeliveries, insertEvents, withdrawEvent } from './review-events.ts'
import { type ReviewRow, showRow, toState } from './review-rows.ts'
import type { Resolved } from './review-store.ts'
import type { Tables } from './tables.ts'

export type Resolving = { tenant: string; by: AuditActor; undoMs: number }

/** Webhooks hear of it so much later than it could be undone. */
const MARGIN_MS = 500

/** See `ReviewStore.resolve`. */
export async function resolveReviews(
  { kysely }: Database,
  { tenant, by, undoMs }: Resolving,
  ids: string[],
  ruling: Ruling,
): Promise<Resolved[]> {
  return kysely.transaction().execute(async (transaction) => {
    const outcomes = new Map<string, ReviewRow | AppError>()
    for (const row of await lockReviews(transaction, tenant, ids)) {
      const state = attempt(() => resolved(toState(row), { by, ruling, now: row.now, undoMs, eventId: uuidv7() }))
      const outcome = state instanceof AppError ? state : (await setState(transaction, [row], state))[0]
      if (outcome) outcomes.set(row.review_id, outcome)
    }
    const done = [...outcomes.values()].flatMap((outcome) => (outcome instanceof AppError ? [] : [outcome]))
    await announce(transaction, done, undoMs + MARGIN_MS)
    for (const { review_id, id } of done) {
      const details = { upload_id: id, action: ruling.action, reason_code: ruling.reasonCode }
      await appendAudit(transaction, { tenant, actor: by, action: 'review.resolve', subject: review_id, details })
    }
    return ids.map((id) => {
      const outcome = outcomes.get(id) ?? new AppError('not-found', `there is no review ${id}`)
      return outcome instanceof AppError ? { id, error: outcome } : { id, review: showRow(outcome, by.id) }
    })
  })
}

function attempt<T>(work: () => T): T | AppError {
  try {
    return work()
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
}

async function announce(transaction: Kysely<Tables>, rows: ReviewRow[], afterMs: number): Promise<void> {
  const [first] = rows
  if (!first) return
  const happenings = rows.flatMap((row) => {
    const review = showRow(row)
    if (!review.resolution) return []
    const event = reviewResolved(review, review.resolution)
    return [{ id: row.resolution_event ?? undefined, tenant: row.tenant, uploadId: row.id, event }]
  })
  const eventIds = await insertEvents(transaction, happenings)
  await addDeliveries(transaction, eventIds, new Date(first.now.getTime() + afterMs))
}

/** See `ReviewStore.undo`. What a dispatcher has in hand is no longer undone, whatever the time. */
export async function undoResolution(
  { kysely }: Database,
  { tenant, by, leaseMs }: { tenant: string; by: AuditActor; leaseMs: number },
  id: string,
): Promise<ReviewView | undefined> {
  return kysely.transaction().execute(async (transaction) => {
    const [row] = await lockReviews(transaction, tenant, [id])
    if (!row) return undefined
    const state = undone(toState(row), by, row.now, leaseMs)
    if (row.resolution_event !== null && !(await withdrawEvent(transaction, row.resolution_event))) throw undoExpired()
    const [back] = await setState(transaction, [row], state)
    if (!back) return undefined
    const event = reviewHandled('review.reopened', showRow(back), row.now)
    await insertEvents(transaction, [{ tenant, uploadId: row.id, event }])
    await appendAudit(transaction, { tenant, actor: by, action: 'review.undo', subject: id, details: { upload_id: row.id } })
    return showRow(back, by.id)
  })
}
