import type { AuditActor } from '../domain/audit.ts'
import type { QueueView, ReviewFilter, SavedQueue } from '../domain/review-queue.ts'

/** What a tenant may have saved. */
export const MOST_QUEUES = 100

/** Names for parts of a tenant's open reviews. Every method throws AppError `store-unavailable` when PostgreSQL is out of reach. */
export interface ReviewQueueStore {
  list(tenant: string): Promise<QueueView[]>
  /** What a queue is a name for, saved or not; undefined when there is none. */
  filterOf(tenant: string, name: string): Promise<ReviewFilter | undefined>
  /** Throws AppError `too-many-queues` when the tenant has `MOST_QUEUES` others. */
  save(tenant: string, queue: SavedQueue, by: AuditActor): Promise<void>
  /** false when there is none. */
  remove(tenant: string, name: string, by: AuditActor): Promise<boolean>
}
