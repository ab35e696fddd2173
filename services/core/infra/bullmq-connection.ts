import { createPostgresBackend, type JobsOptions, type JobType, Queue, Worker, withBackend } from 'bullmq'
import { withSearchPath } from './database.ts'
import type { QueueConnection } from './queue-connection.ts'

const NAME = 'uploads'
const CONNECT_TIMEOUT_MS = 3000

/** A killed worker's jobs start again within lockDuration + stalledInterval. */
const WORKER_OPTIONS = {
  lockDuration: 4000,
  stalledInterval: 2000,
  maxStalledCount: 5,
  runRetryDelay: 1000,
  autorun: false,
}

/** Nobody reads BullMQ's own events. */
const streams = { events: { maxLen: 100 } }

export type JobData = { uploadId: string }
type Job = { data: JobData; timestamp: number }

/** What is used of BullMQ's classes, whose types differ from backend to backend. */
export type BullQueue = Closable & {
  add(name: string, data: JobData, options: JobsOptions): Promise<unknown>
  addBulk(jobs: { name: string; data: JobData; opts: JobsOptions }[]): Promise<unknown>
  getJobCounts(...states: JobType[]): Promise<Record<string, number>>
  on(event: 'error', listener: (error: Error) => void): unknown
}
export type BullWorker = Closable & {
  run(): Promise<void>
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'failed', listener: (job: { id?: string | undefined } | undefined, error: Error) => void): unknown
  on(event: 'stalled', listener: (id: string) => void): unknown
}
type Closable = { close(): Promise<void>; getBackend(): { close(force?: boolean): Promise<void> } }

const onPostgres = withBackend(createPostgresBackend)

/** A queue that fails at once rather than wait for a Redis that is away. */
export function openQueue(connection: QueueConnection): BullQueue {
  if (connection.kind === 'postgres')
    return new onPostgres.Queue<JobData, void>(NAME, { connection: postgresOptions(connection), streams })
  return new Queue<JobData, void>(NAME, {
    connection: { ...redisOptions(connection), enableOfflineQueue: false, maxRetriesPerRequest: 1 },
    prefix: connection.prefix,
    streams,
  })
}

/** A worker that is yet to be run. `backoffMs` says how long a job that failed so many times pauses. */
export function openWorker(
  connection: QueueConnection,
  options: { concurrency: number; backoffMs: (attempts: number) => number },
  process: (job: Job) => Promise<void>,
): BullWorker {
  const { concurrency, backoffMs } = options
  const shared = { ...WORKER_OPTIONS, concurrency, settings: { backoffStrategy: backoffMs } }
  if (connection.kind === 'postgres')
    return new onPostgres.Worker<JobData, void>(NAME, process, { ...shared, connection: postgresOptions(connection) })
  const redis = { ...redisOptions(connection), maxRetriesPerRequest: null }
  return new Worker<JobData, void>(NAME, process, { ...shared, connection: redis, prefix: connection.prefix })
}

function redisOptions({ url }: { url: string }) {
  return {
    url,
    connectTimeout: CONNECT_TIMEOUT_MS,
    retryStrategy: (times: number) => Math.min(50 * 2 ** times, 1000),
  }
}

function postgresOptions({ url, schema }: { url: string; schema: string }) {
  return {
    connectionString: withSearchPath(url, schema),
    schema,
    max: 4,
    application_name: 'pixwarden-queue',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
  }
}
