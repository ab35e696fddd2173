import { type Decision, showFacts, type UploadFacts } from './decision.ts'
import type { Action } from './policy.ts'
import type { Claim, Resolution, Reviewer, ReviewOrigin, ReviewState, RulingAction } from './review.ts'

/** A review as callers see it. */
export type ReviewView = {
  id: string
  state: ReviewState['kind']
  origin: ReviewOrigin
  /** A head start in hours: higher ones come first, and so do older ones. */
  priority: number
  upload: ReviewedUpload
  /** The machine's. */
  action: Action
  reason_codes: string[]
  reports: number
  appeal?: { reason?: string; at: string }
  opened_at: string
  claim?: ClaimView
  resolution?: ResolutionView
  /** Resolutions that were put in question by an appeal or a report, oldest first. */
  earlier?: PastResolution[]
  decision?: Decision
}

export type ReviewedUpload = {
  id: string
  external_id?: string
  source?: string
  uploader?: string
  metadata?: Record<string, unknown>
  image: { mime: string; width?: number; height?: number; byte_size: number }
  received_at: string
  /** Whether the image is still there to be looked at. */
  has_image: boolean
}

export type ClaimView = { by: Reviewer; mine: boolean; expires_at: string }
export type PastResolution = { action: RulingAction; reason_code: string; note?: string; by: Reviewer; at: string }
export type ResolutionView = PastResolution & { undo_until?: string }

/** What is known of a review and its upload. */
export type ReviewedFacts = {
  id: string
  state: ReviewState
  origin: ReviewOrigin
  priority: number
  upload: UploadFacts & { hasImage: boolean }
  action: Action
  reasonCodes: string[]
  reports: number
  appeal?: { reason?: string | undefined; at: Date } | undefined
  openedAt: Date
  earlier: PastResolution[]
}

/** As the reviewer with the id `viewer` sees it at this moment. `state` is that of this moment. */
export function showReview(review: ReviewedFacts, viewer: string | undefined, now: Date): ReviewView {
  const { id, state, origin, priority, upload, action, reasonCodes, reports, appeal, openedAt, earlier } = review
  return {
    id,
    state: state.kind,
    origin,
    priority,
    upload: showUpload(upload),
    action,
    reason_codes: reasonCodes,
    reports,
    ...(appeal && {
      appeal: { ...(appeal.reason !== undefined && { reason: appeal.reason }), at: appeal.at.toISOString() },
    }),
    opened_at: openedAt.toISOString(),
    ...(state.kind === 'claimed' && { claim: showClaim(state.claim, viewer) }),
    ...(state.kind === 'resolved' && { resolution: showResolution(state.resolution, now) }),
    ...(earlier.length > 0 && { earlier }),
  }
}

export function showPast({ action, reasonCode, note, by, at }: Resolution): PastResolution {
  return { action, reason_code: reasonCode, ...(note !== undefined && { note }), by, at: at.toISOString() }
}

function showResolution(resolution: Resolution, now: Date): ResolutionView {
  const { undoUntil } = resolution
  return { ...showPast(resolution), ...(undoUntil > now && { undo_until: undoUntil.toISOString() }) }
}

function showClaim({ by, until }: Claim, viewer: string | undefined): ClaimView {
  return { by, mine: by.id === viewer, expires_at: until.toISOString() }
}

function showUpload(upload: ReviewedFacts['upload']): ReviewedUpload {
  return { ...showFacts(upload), has_image: upload.hasImage }
}
