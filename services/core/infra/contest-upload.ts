import { type Kysely, sql } from 'kysely'
import { validate as isUuid, v7 as uuidv7 } from 'uuid'
import type { AuditActor } from '../domain/audit.ts'
import { AppError } from '../domain/errors.ts'
import { reviewHandled, reviewOpenedAgainst } from '../domain/events.ts'
import { appealed, type ReviewOrigin, type ReviewState, reported } from '../domain/review.ts'
import { priorityOf, urgencyOf } from '../domain/review-priority.ts'
import { showPast } from '../domain/review-view.ts'
import { appendAudit } from './audit-log.ts'
import type { Database } from './database.ts'
import { lockReviews } from './lock-reviews.ts'
import { addDeliveries, insertEvents } from './review-events.ts'
import { columnsOf, NOW, type ReviewRow, showRow, toState } from './review-rows.ts'
import type { Report } from './review-store.ts'
import type { Tables } from './tables.ts'
import { erased } from './upload-rows.ts'

/** Somebody is not content with what was decided. */
type Contest = { tenant: string; by: AuditActor; uploadId: string }
type Objection = { origin: 'report' } | { origin: 'appeal'; reason: string | undefined }

/** See `ReviewStore.report`. */
export async function reportUpload(
  { kysely }: Database,
  contest: Contest,
  { reason, reporter }: Report,
): Promise<{ reports: number; reviewId: string } | undefined> {
  return kysely.transaction().execute(async (transaction) => {
    const upload = await lockUpload(transaction, contest)
    if (!upload) return undefined
    const { numInsertedOrUpdatedRows: counted = 0n } = await transaction
      .insertInto('reports')
      .values({ upload_id: upload.id, tenant: contest.tenant, reason, reporter })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst()
    const known = counted === 0n ? await findReview(transaction, contest) : undefined
    const { reports, review_id } = known ?? (await object(transaction, contest, upload, { origin: 'report' }))
    return { reports, reviewId: review_id }
  })
}

/** See `ReviewStore.appeal`. */
export async function appealUpload(
  { kysely }: Database,
  contest: Contest,
  reason: string | undefined,
): Promise<{ reviewId: string } | undefined> {
  return kysely.transaction().execute(async (transaction) => {
    const upload = await lockUpload(transaction, contest)
    if (!upload) return undefined
    const { review_id } = await object(transaction, contest, upload, { origin: 'appeal', reason })
    return { reviewId: review_id }
  })
}

type Upload = { id: string; status: string; source: string | null; reason_codes: string[]; erased_at: Date | null; now: Date }

/** Nobody else contests it until the transaction ends. Throws AppError `not-decided` or `erased`. */
async function lockUpload(transaction: Kysely<Tables>, { tenant, uploadId }: Contest): Promise<Upload | undefined> {
  if (!isUuid(uploadId)) return undefined
  const { rows } = await sql<Upload>`
    SELECT id, status, source, reason_codes, erased_at, ${sql.raw(NOW)} AS now FROM uploads
    WHERE id = ${uploadId} AND tenant = ${tenant} FOR NO KEY UPDATE`.execute(transaction)
  const [upload] = rows
  if (upload?.erased_at) throw erased(upload.erased_at)
  if (upload && upload.status !== 'decided') throw new AppError('not-decided', 'the upload waits for its decision')
  return upload
}

async function findReview(transaction: Kysely<Tables>, { tenant, uploadId }: Contest): Promise<ReviewRow | undefined> {
  const found = await transaction.selectFrom('reviews').select('id').where('upload_id', '=', uploadId).executeTakeFirst()
  return found && (await lockReviews(transaction, tenant, [found.id]))[0]
}

/** Resolves to the review, which was made, opened again, or is more urgent now. */
async function object(transaction: Kysely<Tables>, contest: Contest, upload: Upload, objection: Objection): Promise<ReviewRow> {
  const known = await findReview(transaction, contest)
  const before = known ?? (await openReview(transaction, contest, upload, objection))
  const after = contested(before, objection)
  await save(transaction, after)
  const isReopened = before.state === 'resolved' && after.state === 'open'
  if (known && !isReopened) return after
  await tell(transaction, after, known === undefined)
  const details = { upload_id: upload.id }
  const action = `review.${objection.origin}` as const
  await appendAudit(transaction, { tenant: contest.tenant, actor: contest.by, action, subject: after.review_id, details })
  return after
}

async function openReview(
  transaction: Kysely<Tables>,
  contest: Contest,
  { id, source, reason_codes, now }: Upload,
  { origin }: Objection,
): Promise<ReviewRow> {
  const review = { id: uuidv7(), upload_id: id, tenant: contest.tenant, source, policies: reason_codes, origin }
  await transaction
    .insertInto('reviews')
    .values({ ...review, urgency: urgencyOf(0, now), opened_at: now })
    .execute()
  const [row] = await lockReviews(transaction, contest.tenant, [review.id])
  if (!row) throw new Error('a review that was written is not there')
  return row
}

/** What an objection makes of a review. */
function contested(row: ReviewRow, objection: Objection): ReviewRow {
  const next =
    objection.origin === 'appeal'
      ? { ...reopened(row, appealed, 'appeal'), origin: 'appeal' as const, ...appealOf(objection, row.now) }
      : { ...reopened(row, reported, 'report'), reports: row.reports + 1 }
  const { action, verdicts, reports, appealed_at, opened_at } = next
  const priority = priorityOf({ action, verdicts: verdicts ?? [], reports, appealed: appealed_at !== null })
  return { ...next, priority, urgency: urgencyOf(priority, opened_at) }
}

function appealOf({ reason }: { reason: string | undefined }, now: Date) {
  return { appealed_at: now, appeal_reason: reason ?? null }
}

/** As it is when it was not resolved, or stays so. */
function reopened(row: ReviewRow, change: (state: ReviewState) => ReviewState, origin: ReviewOrigin): ReviewRow {
  const before = toState(row)
  const state = change(before)
  if (before.kind !== 'resolved' || state === before) return row
  const earlier = [...row.earlier, showPast(before.resolution)]
  const opened = { origin, opened_at: row.now, appealed_at: null, appeal_reason: null }
  return { ...row, ...columnsOf(state), ...opened, earlier }
}

async function save(transaction: Kysely<Tables>, row: ReviewRow): Promise<void> {
  const { review_id, origin, priority, urgency, opened_at, earlier, reports, appealed_at, appeal_reason } = row
  const changed = { origin, priority, urgency, opened_at, reports, appealed_at, appeal_reason, earlier: JSON.stringify(earlier) }
  await transaction
    .updateTable('reviews')
    .set({ ...columnsOf(toState(row)), ...changed })
    .where('id', '=', review_id)
    .execute()
}

/** A new review is what webhooks hear of; that one was opened again, moderators. */
async function tell(transaction: Kysely<Tables>, row: ReviewRow, isNew: boolean): Promise<void> {
  const review = showRow(row)
  const event = isNew ? reviewOpenedAgainst(review) : reviewHandled('review.reopened', review, row.now)
  const eventIds = await insertEvents(transaction, [{ tenant: row.tenant, uploadId: row.id, event }])
  if (isNew) await addDeliveries(transaction, eventIds)
}
