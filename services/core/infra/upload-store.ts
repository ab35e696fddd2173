import type { AuditActor } from '../domain/audit.ts'
import type { Conclusion, Decision, UploadView } from '../domain/decision.ts'
import type { Action, LoadedPolicy } from '../domain/policy.ts'

export type NewUpload = {
  id: string
  tenant: string
  source?: string | undefined
  uploader?: string | undefined
  externalId?: string | undefined
  metadata?: Record<string, unknown> | undefined
  sha256: string
  mime: string
  width?: number | undefined
  height?: number | undefined
  byteSize: number
  blobKey: string
  /** false: nothing but the decision is kept, whatever it is. */
  keepImage?: boolean | undefined
}

/** An upload in a worker's hands. `attempts` counts this one. */
export type ClaimedUpload = NewUpload & { attempts: number; receivedAt: Date }

/** `policy` keeps what that policy did not approve, enforced or shadow. */
export type DecisionFilter = { action?: Action | undefined; policy?: string | undefined; since?: Date | undefined }
export type Page<T> = { items: T[]; nextCursor?: string | undefined }

/** Uploads and their decisions. Every method throws AppError `store-unavailable` when PostgreSQL is out of reach. */
export interface UploadStore {
  /**
   * Durable when it resolves, with the idempotency key bound to the upload in the same transaction. Throws AppError
   * `idempotency-key-in-use`, with nothing written, when the key's reservation had lapsed and another upload has it now.
   */
  insert(upload: NewUpload, idempotency?: { key: string; requestHash: string }): Promise<void>
  /** Throws AppError `erased` for an upload that was. */
  find(tenant: string, id: string): Promise<UploadView | undefined>
  /** Counts an attempt and hands out a pending upload, unless it has had more than `mostAttempts`; undefined also when it is decided, erased or unknown. */
  claim(id: string, mostAttempts?: number): Promise<ClaimedUpload | undefined>
  isPending(id: string): Promise<boolean>
  /** Takes an attempt back: the worker is stopping, or failed for reasons that are not the image's. */
  unclaim(id: string): Promise<void>
  /**
   * Writes a conclusion in one transaction: the upload's row, one decision row per policy, embeddings, a review when it is not
   * approved, the frozen `upload.decided` event, and a NOTIFY with the upload's id. Resolves to false, with nothing written, when the upload was decided or
   * erased already.
   */
  conclude(upload: ClaimedUpload, conclusion: Conclusion): Promise<boolean>
  /** Keeps what the policies mean under the versions that decisions name. */
  recordPolicyVersions(policies: LoadedPolicy[]): Promise<void>
  /** Decided uploads of a tenant, newest first. Throws AppError `invalid-request` for a cursor that is not ours. */
  listDecisions(
    tenant: string,
    filter: DecisionFilter,
    page: { cursor?: string | undefined; limit: number },
  ): Promise<Page<Decision>>
  /** Ids of uploads that have waited for `olderThanMs` or more, oldest first, after `after` in that order. */
  pendingIds(options: { olderThanMs: number; limit: number; after?: string | undefined }): Promise<string[]>
  pendingCount(options: { olderThanMs: number }): Promise<number>
  /** How many have waited for `overdueMs` or more, and how long the oldest has: 0 when nothing is pending. */
  backlog(options: { overdueMs: number }): Promise<{ overdue: number; oldestSeconds: number }>
  /**
   * Erases what is known of an upload, pending or decided: who and what it was, its scores, embeddings, reviews, and events that were not delivered yet.
   * A row is left that says so, and an entry in the audit log by `by`. Its bytes are the caller's to delete, under the key that this resolves to;
   * whatever is left of them is retention's. Doing it again changes nothing. undefined for an upload that the tenant has not.
   */
  erase(tenant: string, id: string, by: AuditActor): Promise<{ blobKey: string | undefined } | undefined>
}

export type Reservation =
  /** The key is ours until the upload is inserted or the reservation is released. */
  | { state: 'reserved' }
  /** Another request holds the key and has not ended. */
  | { state: 'running' }
  | { state: 'done'; uploadId: string; requestHash: string }

/** Far longer than any request takes. */
export const RESERVATION_SECONDS = 120

/** Idempotency keys, kept 24 hours. A reservation whose holder died lapses after `RESERVATION_SECONDS`. */
export interface IdempotencyStore {
  reserve(tenant: string, key: string): Promise<Reservation>
  /** When this fails, the key is free as soon as the database answers this process again. */
  release(tenant: string, key: string): Promise<void>
}
