import type { ColumnType, Generated } from 'kysely'
import type { ReviewOrigin, ReviewState, RulingAction } from '../domain/review.ts'
import type { PastResolution } from '../domain/review-view.ts'

/** JSON goes in as text, for pg would make a PostgreSQL array of a JavaScript one. */
type EarlierColumn = ColumnType<PastResolution[], string | undefined, string>

export type ReviewsTable = {
  id: string
  upload_id: string
  tenant: string
  state: Generated<ReviewState['kind']>
  origin: Generated<ReviewOrigin>
  source: string | null
  policies: Generated<string[]>
  priority: Generated<number>
  urgency: number
  opened_at: Date
  claimed_by: string | null
  claimed_name: string | null
  claimed_at: Date | null
  lease_until: Date | null
  resolution: RulingAction | null
  reason_code: string | null
  note: string | null
  resolved_by: string | null
  resolved_name: string | null
  resolved_at: Date | null
  undo_until: Date | null
  resolution_event: string | null
  earlier: EarlierColumn
  reports: Generated<number>
  appealed_at: Date | null
  appeal_reason: string | null
}

export type ReportsTable = {
  id: Generated<string>
  upload_id: string
  tenant: string
  reason: string | null
  reporter: string | null
  created_at: Generated<Date>
}

export type ReviewSkipsTable = {
  review_id: string
  actor_id: string
  until: Date
}

export type ReviewQueuesTable = {
  tenant: string
  name: string
  policy: string | null
  source: string | null
  origin: ReviewOrigin | null
}
