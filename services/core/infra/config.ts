import path from 'node:path'
import { z } from 'zod'
import { AppError } from '../domain/errors.ts'
import { RETRY_SECONDS } from '../domain/webhook-retry.ts'
import type { TargetRules } from './address-rules.ts'
import {
  allowList,
  choice,
  executionProviders,
  integer,
  ports,
  seconds,
  secretKeys,
  toggle,
  trustedProxies,
  url,
} from './config-values.ts'
import type { ExecutionProvider } from './execution-providers.ts'
import { packageRoot } from './package-root.ts'
import type { TrustedProxies } from './parse-trusted-proxies.ts'

/** Jobs that a worker may hold at once. */
export const MOST_CONCURRENCY = 2048

/** Every variable this service reads, with its default. README has the same table. */
const variables = z.object({
  DATABASE_URL: url('postgres:', 'postgresql:').optional(),
  REDIS_URL: url('redis:', 'rediss:').optional(),
  HOST: z.string().default('127.0.0.1'),
  PORT: integer(0, 65535).default(8080),
  LOG_LEVEL: choice('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent').default('info'),
  PIXWARDEN_DATA_DIR: z.string().default('.pixwarden'),
  PIXWARDEN_BLOB_DIR: z.string().optional(),
  PIXWARDEN_DATABASE_SCHEMA: z
    .string()
    .regex(/^[a-z_][a-z0-9_]{0,40}$/, 'lower-case letters, digits and underscores')
    .default('pixwarden'),
  PIXWARDEN_DATABASE_POOL: integer(2, 200).default(10),
  PIXWARDEN_QUEUE_PREFIX: z
    .string()
    .regex(/^[\w{}-]+$/, 'letters, digits, - _ { }')
    .default('{moderation}'),
  PIXWARDEN_POLICIES: z.string().default(path.join(packageRoot, 'policies')),
  PIXWARDEN_MODEL: z.string().default('embedded'),
  PIXWARDEN_MODELS_DIR: z.string().optional(),
  PIXWARDEN_PREPROCESS: choice('fast', 'exact').default('fast'),
  PIXWARDEN_TUNE: toggle.default(true),
  PIXWARDEN_BATCH_SIZE: integer(1, 256).optional(),
  PIXWARDEN_BATCH_WAIT_MS: integer(0, 1000).optional(),
  PIXWARDEN_CONCURRENCY: integer(1, MOST_CONCURRENCY).optional(),
  PIXWARDEN_INFERENCE_THREADS: integer(1, 256).optional(),
  PIXWARDEN_EXECUTION_PROVIDERS: executionProviders.default(['cpu']),
  PIXWARDEN_INFERENCE_TIMEOUT_SECONDS: integer(1, 3600).default(60),
  PIXWARDEN_DECODERS: integer(1, 64).default(2),
  PIXWARDEN_DECODE_CPU_MS: integer(10, 600_000).default(2000),
  PIXWARDEN_DECODE_WALL_MS: integer(10, 600_000).default(10_000),
  PIXWARDEN_DECODE_MEMORY_MB: integer(128, 65_536).default(640),
  PIXWARDEN_MAX_UPLOAD_BYTES: integer(1, 1_000_000_000).default(20_000_000),
  PIXWARDEN_MAX_MEGAPIXELS: integer(1, 1000).default(50),
  PIXWARDEN_MAX_UPLOADS_IN_FLIGHT: integer(1, 10_000).default(64),
  PIXWARDEN_MAX_BYTES_IN_FLIGHT: integer(1, 1_000_000_000_000).default(512_000_000),
  PIXWARDEN_MAX_PENDING_UPLOADS: integer(0, 100_000_000).default(100_000),
  PIXWARDEN_MIN_FREE_DISK_MB: integer(0, 1_000_000_000).default(256),
  PIXWARDEN_RATE_LIMIT: integer(0, 10_000_000).default(0),
  PIXWARDEN_AVIF: toggle.default(false),
  PIXWARDEN_RECONCILER: toggle.default(true),
  PIXWARDEN_RETENTION: toggle.default(true),
  PIXWARDEN_APPEAL_DAYS: integer(0, 3650).default(14),
  PIXWARDEN_RETENTION_DAYS: integer(1, 3650).default(90),
  PIXWARDEN_RECORD_DAYS: integer(0, 36_500).default(0),
  PIXWARDEN_FEED_DAYS: integer(1, 3650).default(7),
  PIXWARDEN_FEED_READERS: integer(1, 100_000).default(2000),
  PIXWARDEN_REVIEW_LEASE_SECONDS: integer(1, 86_400).default(300),
  PIXWARDEN_REVIEW_UNDO_SECONDS: integer(0, 3600).default(30),
  PIXWARDEN_DISPATCHER: toggle.default(true),
  PIXWARDEN_IMAGE_TASKS: toggle.default(true),
  PIXWARDEN_WEBHOOK_RETRY_SECONDS: seconds.default([...RETRY_SECONDS]),
  PIXWARDEN_WEBHOOK_TIMEOUT_MS: integer(100, 60_000).default(15_000),
  PIXWARDEN_SECRET_KEY: secretKeys.default([]),
  PIXWARDEN_METRICS_PORT: integer(0, 65535).optional(),
  PIXWARDEN_TRUST_PROXY: trustedProxies.default(false),
  PIXWARDEN_OUTBOUND_ALLOW: allowList.default({ networks: [], hosts: new Set() }),
  PIXWARDEN_OUTBOUND_PORTS: ports.default([80, 443]),
  PIXWARDEN_FETCH_TIMEOUT_MS: integer(100, 25_000).default(20_000),
})

/** How long what was not approved is kept, and what all uploads leave. */
export type RetentionLimits = {
  /** After a review is resolved, for whoever appeals. */
  appealDays: number
  /** After the decision, also when nobody has reviewed it. */
  retentionDays: number
  /** For the row with its decision; for ever when undefined. */
  recordDays: number | undefined
  /** For events that only the feed has, and tests of webhooks. */
  feedDays: number
}

/** In milliseconds, by PostgreSQL's clock. */
export type ReviewTimes = {
  /** For which a moderator's claim lasts, unless it is renewed. */
  leaseMs: number
  /** For which a resolution can be undone, before webhooks hear of it. */
  undoMs: number
}

/** What a machine decides better than a default does. */
export type Tunable = 'maxBatch' | 'batchWaitMs' | 'concurrency' | 'inferenceThreads'

const DEFAULT_BATCH = 8

export type Config = {
  databaseUrl: string | undefined
  redisUrl: string | undefined
  host: string
  port: number
  logLevel: string
  dataDir: string
  blobDir: string
  databaseSchema: string
  databasePool: number
  queuePrefix: string
  policiesDir: string
  /** A folder, or the id of a model in `modelsDir` or shipped. */
  model: string
  /** Where pulled models are. */
  modelsDir: string
  preprocess: 'fast' | 'exact'
  maxBatch: number
  batchWaitMs: number
  /** Jobs a worker holds at once: 2 × the largest batch unless set. */
  concurrency: number
  inferenceThreads: number
  /** Of those four, what the environment leaves to what a worker measures: here are the defaults. */
  leftOpen: ReadonlySet<Tunable>
  /** What the image side of the model may run on, best first. */
  executionProviders: readonly ExecutionProvider[]
  /** For one run of the model, after which a worker ends. */
  inferenceTimeoutMs: number
  decoders: number
  /** At which a decoder is killed, for each image. */
  decodeLimits: { cpuMs: number; wallMs: number; memoryBytes: number }
  maxUploadBytes: number
  maxPixels: number
  /** Uploads that an api receives at once; more are refused with 503. */
  maxUploadsInFlight: number
  /** Bytes of those uploads, announced or arrived. */
  maxBytesInFlight: number
  /** Uploads without a decision at which no more are taken; undefined when there is no bound. */
  maxPendingUploads: number | undefined
  /** Room that intake leaves in the file system of the blobs. */
  minFreeDiskBytes: number
  /** Uploads that a key may send in a minute; undefined when there is no bound. */
  rateLimitPerMinute: number | undefined
  avif: boolean
  reconciler: boolean
  retention: boolean
  retentionLimits: RetentionLimits
  reviewTimes: ReviewTimes
  /** Of an api, waiting polls included; more are refused with 503. */
  maxFeedReaders: number
  dispatcher: boolean
  /** Whether a worker makes of images what moderators ask for. */
  imageTasks: boolean
  /** Pauses between the attempts at a delivery of a webhook. */
  webhookRetrySeconds: readonly number[]
  /** For an attempt, from the lookup of the name to the status. */
  webhookTimeoutMs: number
  /** 32 bytes each: the first seals the secrets of webhooks, all of them open. Without any, secrets are stored as they are. */
  secretKeys: readonly Buffer[]
  /** A port of its own for /metrics, without a key; else it is on the API's, for admin keys. */
  metricsPort: number | undefined
  /** Whose X-Forwarded-For, -Proto and -Host are believed. */
  trustProxy: TrustedProxies
  /** Where webhooks and the images of `{"url"}` may be. */
  outbound: TargetRules
  /** For an image that is fetched by its URL, from the first redirect to the last byte. */
  fetchTimeoutMs: number
}

/** Reads the environment. Throws AppError `invalid-config` that lists every problem at once. */
export function readConfig(env: Record<string, string | undefined>): Config {
  const unknown = Object.keys(env).filter((name) => name.startsWith('PIXWARDEN_') && !(name in variables.shape))
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''))
  const parsed = variables.safeParse(given)
  const problems = [
    ...(parsed.error?.issues ?? []).map(({ path: at, message }) => `${at.join('.')}: ${message}`),
    ...unknown.map((name) => `${name}: no such setting`),
  ]
  if (!parsed.success || problems.length > 0)
    throw new AppError('invalid-config', `configuration:\n${problems.map((problem) => `  ${problem}`).join('\n')}`, {
      details: { problems },
    })
  return toConfig(parsed.data)
}

/** The database of an api or a worker that is started alone. Throws AppError `invalid-config`: only standalone brings a database of its own. */
export function requireDatabaseUrl(config: Pick<Config, 'databaseUrl'>): string {
  if (config.databaseUrl !== undefined) return config.databaseUrl
  throw new AppError(
    'invalid-config',
    'configuration:\n  DATABASE_URL: needed; `npm start` runs everything on an embedded PostgreSQL',
  )
}

function toConfig(read: z.infer<typeof variables>): Config {
  const dataDir = path.resolve(read.PIXWARDEN_DATA_DIR)
  return {
    databaseUrl: read.DATABASE_URL,
    redisUrl: read.REDIS_URL,
    host: read.HOST,
    port: read.PORT,
    logLevel: read.LOG_LEVEL,
    dataDir,
    blobDir: path.resolve(read.PIXWARDEN_BLOB_DIR ?? path.join(dataDir, 'blobs')),
    databaseSchema: read.PIXWARDEN_DATABASE_SCHEMA,
    databasePool: read.PIXWARDEN_DATABASE_POOL,
    queuePrefix: read.PIXWARDEN_QUEUE_PREFIX,
    policiesDir: path.resolve(read.PIXWARDEN_POLICIES),
    model: read.PIXWARDEN_MODEL,
    modelsDir: path.resolve(read.PIXWARDEN_MODELS_DIR ?? path.join(dataDir, 'models')),
    preprocess: read.PIXWARDEN_PREPROCESS,
    maxBatch: read.PIXWARDEN_BATCH_SIZE ?? DEFAULT_BATCH,
    batchWaitMs: read.PIXWARDEN_BATCH_WAIT_MS ?? 5,
    concurrency: read.PIXWARDEN_CONCURRENCY ?? 2 * (read.PIXWARDEN_BATCH_SIZE ?? DEFAULT_BATCH),
    inferenceThreads: read.PIXWARDEN_INFERENCE_THREADS ?? 1,
    leftOpen: new Set(read.PIXWARDEN_TUNE ? leftOpen(read) : []),
    executionProviders: read.PIXWARDEN_EXECUTION_PROVIDERS,
    inferenceTimeoutMs: 1000 * read.PIXWARDEN_INFERENCE_TIMEOUT_SECONDS,
    decoders: read.PIXWARDEN_DECODERS,
    decodeLimits: {
      cpuMs: read.PIXWARDEN_DECODE_CPU_MS,
      wallMs: read.PIXWARDEN_DECODE_WALL_MS,
      memoryBytes: read.PIXWARDEN_DECODE_MEMORY_MB * 1_000_000,
    },
    maxUploadBytes: read.PIXWARDEN_MAX_UPLOAD_BYTES,
    maxPixels: read.PIXWARDEN_MAX_MEGAPIXELS * 1_000_000,
    maxUploadsInFlight: read.PIXWARDEN_MAX_UPLOADS_IN_FLIGHT,
    maxBytesInFlight: read.PIXWARDEN_MAX_BYTES_IN_FLIGHT,
    maxPendingUploads: orUnbounded(read.PIXWARDEN_MAX_PENDING_UPLOADS),
    minFreeDiskBytes: read.PIXWARDEN_MIN_FREE_DISK_MB * 1_000_000,
    rateLimitPerMinute: orUnbounded(read.PIXWARDEN_RATE_LIMIT),
    avif: read.PIXWARDEN_AVIF,
    reconciler: read.PIXWARDEN_RECONCILER,
    retention: read.PIXWARDEN_RETENTION,
    retentionLimits: {
      appealDays: read.PIXWARDEN_APPEAL_DAYS,
      retentionDays: read.PIXWARDEN_RETENTION_DAYS,
      recordDays: orUnbounded(read.PIXWARDEN_RECORD_DAYS),
      feedDays: read.PIXWARDEN_FEED_DAYS,
    },
    maxFeedReaders: read.PIXWARDEN_FEED_READERS,
    reviewTimes: {
      leaseMs: 1000 * read.PIXWARDEN_REVIEW_LEASE_SECONDS,
      undoMs: 1000 * read.PIXWARDEN_REVIEW_UNDO_SECONDS,
    },
    dispatcher: read.PIXWARDEN_DISPATCHER,
    imageTasks: read.PIXWARDEN_IMAGE_TASKS,
    webhookRetrySeconds: read.PIXWARDEN_WEBHOOK_RETRY_SECONDS,
    webhookTimeoutMs: read.PIXWARDEN_WEBHOOK_TIMEOUT_MS,
    secretKeys: read.PIXWARDEN_SECRET_KEY,
    metricsPort: read.PIXWARDEN_METRICS_PORT,
    trustProxy: read.PIXWARDEN_TRUST_PROXY,
    outbound: { allow: read.PIXWARDEN_OUTBOUND_ALLOW, ports: read.PIXWARDEN_OUTBOUND_PORTS },
    fetchTimeoutMs: read.PIXWARDEN_FETCH_TIMEOUT_MS,
  }
}

function leftOpen(read: z.infer<typeof variables>): Tunable[] {
  const given: Record<Tunable, number | undefined> = {
    maxBatch: read.PIXWARDEN_BATCH_SIZE,
    batchWaitMs: read.PIXWARDEN_BATCH_WAIT_MS,
    // Goes by the batch.
    concurrency: read.PIXWARDEN_CONCURRENCY ?? read.PIXWARDEN_BATCH_SIZE,
    inferenceThreads: read.PIXWARDEN_INFERENCE_THREADS,
  }
  return (Object.keys(given) as Tunable[]).filter((name) => given[name] === undefined)
}

/** Of settings that are without bound at 0. */
function orUnbounded(value: number): number | undefined {
  return value === 0 ? undefined : value
}
