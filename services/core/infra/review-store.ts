import type { AuditActor } from '../domain/audit.ts'
import type { AppError } from '../domain/errors.ts'
import type { REVIEW_STATES, Ruling } from '../domain/review.ts'
import type { ReviewFilter } from '../domain/review-queue.ts'
import type { ReviewView } from '../domain/review-view.ts'
import type { Page } from './upload-store.ts'

export const REVIEW_ORDERS = ['priority', 'newest', 'oldest'] as const

/** Resolved ones are ordered by when that was: `newest` first, unless `oldest` is asked for. */
export type ReviewListing = ReviewFilter & {
  state: (typeof REVIEW_STATES)[number]
  order: (typeof REVIEW_ORDERS)[number]
}

/** What became of one: resolved, or not: AppError `not-found`, `review-claimed` or `review-resolved`. */
export type Resolved = { id: string; review: ReviewView } | { id: string; error: AppError }

export type Report = { reason?: string | undefined; reporter?: string | undefined }

/**
 * Reviews of a tenant, as `by` or `viewer` sees them; what is another tenant's is not found. Times are PostgreSQL's, and a claim whose lease has ended
 * counts as none in every method. Every method throws AppError `store-unavailable` when PostgreSQL is out of reach.
 */
export interface ReviewStore {
  /** Throws AppError `invalid-request` for a cursor that is not ours. */
  list(
    tenant: string,
    viewer: string,
    listing: ReviewListing,
    page: { cursor?: string | undefined; limit: number },
  ): Promise<Page<ReviewView>>
  /** With the decision. */
  find(tenant: string, viewer: string, id: string): Promise<ReviewView | undefined>
  /** The one of an upload, with the decision. */
  findOf(tenant: string, viewer: string, uploadId: string): Promise<ReviewView | undefined>
  /** Claims the most urgent open ones, with their decisions, without those that `by` has skipped lately. Nobody else is handed the same. */
  claimNext(tenant: string, by: AuditActor, options: { filter: ReviewFilter; count: number }): Promise<ReviewView[]>
  /** With the decision; the lease of who holds it begins anew. Throws AppError `review-claimed` or `review-resolved`. */
  claim(tenant: string, by: AuditActor, id: string): Promise<ReviewView | undefined>
  /** `skip`: it is not handed out to `by` again for a while. Throws AppError `review-claimed` for another's, or `review-resolved`. */
  release(tenant: string, by: AuditActor, id: string, options: { skip: boolean }): Promise<ReviewView | undefined>
  /** In one transaction: each that is open or held by `by`. The events reach webhooks only when the time to undo is over. */
  resolve(tenant: string, by: AuditActor, ids: string[], ruling: Ruling): Promise<Resolved[]>
  /** Back into the hands of who resolved it; webhooks hear nothing of it. Throws AppError `undo-expired`. */
  undo(tenant: string, by: AuditActor, id: string): Promise<ReviewView | undefined>
  /**
   * Counts a report of a decided upload, and opens a review, or opens it again unless a person has rejected the upload already. A reporter counts once.
   * Throws AppError `not-decided` or `erased`.
   */
  report(
    tenant: string,
    by: AuditActor,
    uploadId: string,
    report: Report,
  ): Promise<{ reports: number; reviewId: string } | undefined>
  /** Opens a review of a decided upload, or opens it again. Throws AppError `not-decided` or `erased`. */
  appeal(tenant: string, by: AuditActor, uploadId: string, reason: string | undefined): Promise<{ reviewId: string } | undefined>
}

/** What a worker does for reviews, of all tenants. */
export interface ReviewUpkeep {
  /** Opens those whose lease has ended, and tells of it. Resolves to their number, at most `limit`. */
  releaseExpired(options: { limit: number }): Promise<number>
  /** Forgets skips that are over. */
  forgetSkips(): Promise<void>
  /** With those of them whose claim has expired. Seconds are 0 when none is open. */
  openReviews(): Promise<{ open: number; oldestSeconds: number; expired: number }>
}
