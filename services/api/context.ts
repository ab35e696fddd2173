import type { Dispatcher } from 'undici'
import type { AuditRow } from '../core/domain/audit.ts'
import type { ApiKeyStore } from '../core/infra/api-key-store.ts'
import type { AuditFilter } from '../core/infra/audit-log.ts'
import type { BlobStore } from '../core/infra/blob-store.ts'
import type { Config } from '../core/infra/config.ts'
import type { DecisionListener } from '../core/infra/decision-listener.ts'
import type { DeliveryStore } from '../core/infra/delivery-store.ts'
import type { IdListener } from '../core/infra/id-listener.ts'
import type { ImageTaskStore } from '../core/infra/image-task-store.ts'
import type { InsightStore } from '../core/infra/insight-store.ts'
import type { Logger } from '../core/infra/logger.ts'
import type { Metrics } from '../core/infra/metrics.ts'
import type { PolicySource } from '../core/infra/policy-watcher.ts'
import type { ReviewQueueStore } from '../core/infra/review-queue-store.ts'
import type { ReviewStore } from '../core/infra/review-store.ts'
import type { SessionStore } from '../core/infra/session-store.ts'
import type { UploadQueue } from '../core/infra/upload-queue.ts'
import type { IdempotencyStore, UploadStore } from '../core/infra/upload-store.ts'
import type { WebhookStore } from '../core/infra/webhook-store.ts'
import type { FeedHub } from './feed/feed-hub.ts'
import type { RateLimit } from './limit-rate.ts'

/** What the routes work with. */
export type ApiContext = {
  config: Pick<
    Config,
    | 'maxUploadBytes'
    | 'maxPixels'
    | 'avif'
    | 'maxUploadsInFlight'
    | 'maxBytesInFlight'
    | 'maxPendingUploads'
    | 'minFreeDiskBytes'
    | 'metricsPort'
    | 'outbound'
    | 'fetchTimeoutMs'
    | 'trustProxy'
  >
  log: Logger
  metrics: Pick<Metrics, 'registry' | 'uploads' | 'reviewsResolved' | 'feedDroppedReaders'>
  keys: Pick<ApiKeyStore, 'verify' | 'list' | 'create' | 'revokeOf'>
  sessions: SessionStore
  uploads: Pick<UploadStore, 'insert' | 'find' | 'listDecisions' | 'erase' | 'pendingCount'>
  idempotency: IdempotencyStore
  blobs: Pick<BlobStore, 'put' | 'read' | 'delete' | 'freeBytes'>
  queue: Pick<UploadQueue, 'enqueue' | 'counts'>
  decisions: Pick<DecisionListener, 'waitFor'>
  feed: Pick<FeedHub, 'follow'>
  imageTasks: Pick<ImageTaskStore, 'image' | 'find' | 'ask'>
  /** Of those that have ended, by `imageTaskKey`. */
  endedImageTasks: Pick<IdListener, 'waitFor'>
  policies: Pick<PolicySource, 'current' | 'problems'>
  reviews: ReviewStore
  reviewQueues: ReviewQueueStore
  webhooks: WebhookStore
  deliveries: DeliveryStore
  insights: InsightStore
  /** For each API key; undefined when there is none. */
  rateLimit: RateLimit | undefined
  /** For requests to URLs that callers name; guarded. */
  outbound: Dispatcher
  listAudit(filter: AuditFilter, limit: number): Promise<AuditRow[]>
  /** Resolves when PostgreSQL answers and has this version's tables. */
  checkDatabase(): Promise<void>
}
