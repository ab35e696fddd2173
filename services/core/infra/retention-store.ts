/** Bytes that are due to be deleted, and why. */
export type DueImage = { id: string; blobKey: string; reason: DeletionReason }

export type DeletionReason = 'approved' | 'not-stored' | 'erased' | 'reviewed' | 'unreviewed' | 'aged' | 'orphan'

/** What is kept of uploads, and for how long. Every method throws AppError `store-unavailable` when PostgreSQL is out of reach. */
export interface RetentionStore {
  /** Uploads whose bytes nobody needs: approved, submitted with store=false and decided, or erased. */
  needless(options: { limit: number }): Promise<DueImage[]>
  /**
   * Uploads whose bytes were kept for long enough, first decided first: all their reviews were resolved before `resolvedBefore`, or they were decided
   * before `decidedBefore`, which is `unreviewed` when a review is still open.
   */
  expired(options: { resolvedBefore: Date; decidedBefore: Date; limit: number }): Promise<DueImage[]>
  /** Records that the bytes of these uploads are gone. */
  imagesDeleted(ids: string[]): Promise<void>
  /** The same, and deletes their embeddings. */
  imagesExpired(ids: string[]): Promise<void>
  /** Deletes embeddings of uploads that came before `before`, oldest first. Resolves to their number, at most `limit`. */
  deleteEmbeddings(options: { before: Date; limit: number }): Promise<number>
  /** Deletes the rows of decided and erased uploads that came before `before` and have no bytes any more, with everything about them. Resolves to their number, at most `limit`. */
  deleteRecords(options: { before: Date; limit: number }): Promise<number>
  /** Deletes events from before `before` that do not stay for as long as their upload: those that only the feed has, and tests of webhooks. Resolves to their number, at most `limit`. */
  deletePassingEvents(options: { before: Date; limit: number }): Promise<number>
  /** The keys of those blobs that no upload has, or has any more. A blob that is older than the database was never one of its uploads', and is not among them. */
  orphansAmong(blobs: { key: string; modifiedAt: Date }[]): Promise<string[]>
}
