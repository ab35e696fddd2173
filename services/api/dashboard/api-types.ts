import type { Reviewer, ReviewOrigin, RulingAction } from '../../core/domain/review.ts'
import type { ResolutionView, ReviewView } from '../../core/domain/review-view.ts'
import type { Scope } from '../../core/domain/scopes.ts'

export type Page<Item> = { items: Item[]; next_cursor?: string }

export type Session = { tenant: string; name: string; scopes: Scope[]; csrf_token: string; expires_at: string }

export type Review = ReviewView
export type Verdict = RulingAction
export type Resolution = ResolutionView

/** The data of `review.claimed`, `review.released` and `review.reopened`. */
export type ReviewChange = {
  id: string
  state: ReviewView['state']
  upload: { id: string }
  claim?: { by: Reviewer; expires_at: string }
}

export type QueueFilter = { policy?: string; source?: string; origin?: ReviewOrigin }
export type NamedQueue = { name: string; filter: QueueFilter; saved: boolean; open: number; oldest_opened_at?: string }

export type BulkResult = { id: string; ok: true; review: Review } | { id: string; ok: false; code: string }
