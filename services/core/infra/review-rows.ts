import type { Selectable } from 'kysely'
import type { Decision } from '../domain/decision.ts'
import { type Resolution, type ReviewState, stateAt } from '../domain/review.ts'
import { type ReviewedFacts, type ReviewView, showReview } from '../domain/review-view.ts'
import type { ReviewsTable } from './review-tables.ts'
import { DECISION_COLUMNS, FACTS_COLUMNS, toFacts, toView, type UploadRow, VERDICTS } from './upload-rows.ts'

const STATE_COLUMNS = [
  'state',
  'claimed_by',
  'claimed_name',
  'claimed_at',
  'lease_until',
  'resolution',
  'reason_code',
  'note',
  'resolved_by',
  'resolved_name',
  'resolved_at',
  'undo_until',
  'resolution_event',
] as const satisfies (keyof ReviewsTable)[]
/** What `ReviewState` is made of. */
export type StateRow = Pick<Selectable<ReviewsTable>, (typeof STATE_COLUMNS)[number]>

const OTHER_COLUMNS = [
  'origin',
  'priority',
  'urgency',
  'opened_at',
  'earlier',
  'reports',
  'appealed_at',
  'appeal_reason',
] as const satisfies (keyof ReviewsTable)[]

/** A review with its upload. */
export type ReviewRow = Omit<UploadRow, 'action'> &
  StateRow &
  Pick<Selectable<ReviewsTable>, 'tenant' | (typeof OTHER_COLUMNS)[number]> & {
    review_id: string
    action: NonNullable<UploadRow['action']>
    has_image: boolean
    /** Of this moment, in whole milliseconds. */
    now: Date
  }

/** PostgreSQL's time, as it is stored and shown. */
export const NOW = `date_trunc('milliseconds', now())`

const COLUMNS = [
  ...[...FACTS_COLUMNS, ...DECISION_COLUMNS].map((column) => `uploads.${column}`),
  'reviews.id AS review_id',
  'reviews.tenant',
  ...[...STATE_COLUMNS, ...OTHER_COLUMNS].map((column) => `reviews.${column}`),
  'uploads.blob_key IS NOT NULL AS has_image',
  `${NOW} AS now`,
].join(', ')

/** SQL that reads reviews, as `ReviewRow`; the second with what their policies found. */
export const SELECT_REVIEWS = `SELECT ${COLUMNS} FROM reviews JOIN uploads ON uploads.id = upload_id`
export const SELECT_WITH_VERDICTS = `SELECT ${COLUMNS}, ${VERDICTS} AS verdicts FROM reviews JOIN uploads ON uploads.id = upload_id`

/** `viewer` is the id of who looks at it. */
export function showRow(row: ReviewRow, viewer?: string): ReviewView {
  return showReview(toReview(row), viewer, row.now)
}

/** The same with its decision, for rows that have `verdicts`. */
export function showWithDecision(row: ReviewRow, viewer: string): ReviewView {
  return { ...showRow(row, viewer), decision: toView(row) as Decision }
}

function toReview(row: ReviewRow): ReviewedFacts {
  return {
    id: row.review_id,
    state: stateAt(toState(row), row.now),
    origin: row.origin,
    priority: row.priority,
    upload: { ...toFacts(row), hasImage: row.has_image },
    action: row.action,
    reasonCodes: row.reason_codes,
    reports: row.reports,
    appeal: row.appealed_at ? { at: row.appealed_at, reason: row.appeal_reason ?? undefined } : undefined,
    openedAt: row.opened_at,
    earlier: row.earlier,
  }
}

export function toState(row: StateRow): ReviewState {
  const { state, claimed_by, claimed_name, claimed_at, lease_until } = row
  if (state === 'open') return { kind: 'open' }
  if (state === 'resolved') return { kind: 'resolved', resolution: toResolution(row) }
  const by = { id: claimed_by ?? '', name: claimed_name ?? '' }
  const until = lease_until ?? new Date(0)
  return { kind: 'claimed', claim: { by, since: claimed_at ?? until, until } }
}

function toResolution(row: StateRow): Resolution {
  const at = row.resolved_at ?? new Date(0)
  return {
    action: row.resolution ?? 'reject',
    reasonCode: row.reason_code ?? '',
    note: row.note ?? undefined,
    by: { id: row.resolved_by ?? '', name: row.resolved_name ?? '' },
    at,
    undoUntil: row.undo_until ?? at,
    since: row.claimed_at ?? undefined,
    eventId: row.resolution_event ?? '',
  }
}

const NO_CLAIM = { claimed_by: null, claimed_name: null, claimed_at: null, lease_until: null }
const NO_RESOLUTION = {
  resolution: null,
  reason_code: null,
  note: null,
  resolved_by: null,
  resolved_name: null,
  resolved_at: null,
  undo_until: null,
  resolution_event: null,
}

/** What a row has to say for a review to be in `state`. */
export function columnsOf(state: ReviewState): StateRow {
  switch (state.kind) {
    case 'open':
      return { state: 'open', ...NO_CLAIM, ...NO_RESOLUTION }
    case 'claimed': {
      const { by, since, until } = state.claim
      const claim = { claimed_by: by.id, claimed_name: by.name, claimed_at: since, lease_until: until }
      return { state: 'claimed', ...NO_RESOLUTION, ...claim }
    }
    case 'resolved': {
      const { action, reasonCode, note, by, at, undoUntil, since, eventId } = state.resolution
      return {
        state: 'resolved',
        ...NO_CLAIM,
        claimed_at: since ?? null,
        resolution: action,
        reason_code: reasonCode,
        note: note ?? null,
        resolved_by: by.id,
        resolved_name: by.name,
        resolved_at: at,
        undo_until: undoUntil,
        resolution_event: eventId,
      }
    }
  }
}
