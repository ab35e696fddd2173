import type { Action } from '../../core/domain/policy.ts'
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

export type PromptShare = { text: string; cosine: number; share: number }
/** `values` row by row: how much the score falls when that place is hidden. `box` in fractions of the shown picture. */
export type HeatMapGrid = {
  columns: number
  rows: number
  values: number[]
  box: { left: number; top: number; width: number; height: number }
}
export type RuleExplanation = {
  id: string
  score: number
  threshold?: number
  matched: boolean
  view: string
  kind: string
  concepts: PromptShare[]
  contrasts: PromptShare[]
  background?: { cosine: number; share: number }
  heat_map?: HeatMapGrid
}
export type Explanation = {
  upload_id: string
  model: { id: string; revision: string }
  method: string
  computed_at: string
  policies: { id: string; version: string; mode: string; action: Action; rules: RuleExplanation[] }[]
}

type PastUpload = {
  upload_id: string
  action: Action
  reason_codes: string[]
  resolution?: Pick<Resolution, 'action' | 'reason_code'>
  has_image: boolean
}
export type SimilarUpload = PastUpload & { similarity: number; decided_at: string }
export type UploaderHistory = {
  uploader?: string
  totals: { uploads: number; approve: number; flag: number; reject: number; upheld: number; overturned: number }
  items: (PastUpload & { received_at: string })[]
}
