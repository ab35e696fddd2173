import type { ColumnType, Generated, GeneratedAlways } from 'kysely'
import type { AuditActor } from '../domain/audit.ts'
import type { RuleResult } from '../domain/decide.ts'
import type { Timings } from '../domain/decision.ts'
import type { Action, Mode } from '../domain/policy.ts'
import type { Scope } from '../domain/scopes.ts'
import type { ImageTask, ImageTaskKind, TaskProblem } from './image-task-store.ts'
import type { ReportsTable, ReviewQueuesTable, ReviewSkipsTable, ReviewsTable } from './review-tables.ts'
import type { SessionsTable, SignInLinksTable } from './session-tables.ts'
import type { WebhookTables } from './webhook-tables.ts'

/** The tables of migrations/*.sql, for Kysely. */
export type Tables = WebhookTables & {
  uploads: UploadsTable
  idempotency_keys: IdempotencyKeysTable
  policy_versions: PolicyVersionsTable
  decisions: DecisionsTable
  embeddings: EmbeddingsTable
  reviews: ReviewsTable
  reports: ReportsTable
  review_skips: ReviewSkipsTable
  review_queues: ReviewQueuesTable
  events: EventsTable
  feed_horizon: FeedHorizonTable
  api_keys: ApiKeysTable
  sessions: SessionsTable
  sign_in_links: SignInLinksTable
  audit_log: AuditLogTable
  audit_head: AuditHeadTable
  image_tasks: ImageTasksTable
}

/** JSON goes in as text, for pg would make a PostgreSQL array of a JavaScript one. */
type Json<T> = ColumnType<T, string, string>

type UploadsTable = {
  id: string
  tenant: string
  source: string | null
  external_id: string | null
  uploader: string | null
  metadata: Json<Record<string, unknown>> | null
  sha256: string
  mime: string
  width: number | null
  height: number | null
  /** A bigint, which pg reads as text. */
  byte_size: ColumnType<string, number, number>
  blob_key: string | null
  status: Generated<'pending' | 'decided' | 'failed' | 'erased'>
  attempts: Generated<number>
  action: Action | null
  reason_codes: Generated<string[]>
  detail: string | null
  model_id: string | null
  model_revision: string | null
  timings: Json<Timings> | null
  received_at: Generated<Date>
  decided_at: Date | null
  erased_at: Date | null
  keep_image: Generated<boolean>
}

type IdempotencyKeysTable = {
  tenant: string
  key: string
  upload_id: string | null
  request_hash: string | null
  created_at: Generated<Date>
}

type PolicyVersionsTable = {
  version: string
  policy_id: string
  body: Json<unknown>
  first_seen: Generated<Date>
}

type DecisionsTable = {
  upload_id: string
  policy_id: string
  tenant: string
  decided_at: Date
  version: string
  model_id: string | null
  mode: Exclude<Mode, 'off'>
  action: Action
  rules: Json<RuleResult[]>
}

type EmbeddingsTable = {
  upload_id: string
  model_id: string
  model_revision: string
  view: string
  vector: Buffer
  tenant: string | null
  /** Zeros and ones. */
  sign: string | null
}

type EventsTable = {
  id: string
  tenant: string
  type: string
  /** Null for a test of a webhook. */
  upload_id: string | null
  body: string
  created_at: Date
  /** The transaction that wrote it: an xid8, which pg reads as text, like the bigint below. */
  xid: Generated<string>
  seq: GeneratedAlways<string>
}

type FeedHorizonTable = {
  single: Generated<boolean>
  xid: string
}

type ApiKeysTable = {
  id: string
  tenant: string
  name: string
  key_hash: Buffer
  scopes: Scope[]
  created_at: Generated<Date>
  revoked_at: Date | null
  last_used_at: Date | null
}

type AuditLogTable = {
  /** A bigint, which pg reads as text. */
  seq: ColumnType<string, number, never>
  at: ColumnType<Date, string, never>
  tenant: string
  actor_kind: AuditActor['kind']
  actor_id: string
  actor_name: string
  action: string
  subject: string
  details: Json<Record<string, unknown>>
  prev_hash: string
  hash: string
}

type ImageTasksTable = {
  upload_id: string
  kind: ImageTaskKind
  state: Generated<ImageTask['state']>
  asked_at: Generated<Date>
  attempts: Generated<number>
  lease: string | null
  leased_until: Date | null
  ended_at: Date | null
  mime: string | null
  result: Buffer | null
  problem: TaskProblem | null
  detail: string | null
  model_revision: string | null
  policy_versions: string | null
}

type AuditHeadTable = {
  single: Generated<boolean>
  seq: ColumnType<string, number, number>
  hash: string
}
