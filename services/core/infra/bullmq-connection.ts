import { createPostgresBackend, type JobsOptions, type JobType, Queue, Worker, withBackend } from 'bullmq'
import { withSearchPath } from './database.ts'
import type { QueueConnection } from './queue-connection.ts'

const NAME = 'uploads'
const CONNECT_TIMEOUT_MS = 3000

/** With these a killed worker's jobs start again after 4 to 7 s. */
const WORKER_OPTIONS = {
  lockDuration: 4000,
  stalledInterval: 2000,
  maxStalledCount: 5,
  runRetryDelay: 1000,
  autorun: false,
}

/** Nobody reads BullMQ's own events. */
const streams = { events: { maxLen: 100 } }

type JobData = { uploadId: string }
type Job = { data: JobData; timestamp: number; attemptsMade: number }

/** What is used of BullMQ's classes, whose types differ from backend to backend. */
type BullQueue = {
  add(name: string, data: JobData, options: JobsOptions): Promise<unknown>
  addBulk(jobs: { name: string; data: JobData; opts: JobsOptions }[]): Promise<unknown>
  promoteJobs(): Promise<void>
  getJobCounts(...states: JobType[]): Promise<Record<string, number>>
  on(event: 'error', listener: (error: Error) => void): unknown
  close(): Promise<void>
}
type BullWorker = {
  run(): Promise<void>
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'failed', listener: (job: { id?: string | undefined } | undefined, error: Error) => void): unknown
  on(event: 'stalled', listener: (id: string) => void): unknown
  close(): Promise<void>
}

/** `giveUp` stops the search for a server that is away, which closing would otherwise wait for. */
type Opened<T> = { bull: T; giveUp(): void }

const onPostgres = withBackend(createPostgresBackend)

/** Connects at once, and again whenever the connection breaks. */
export function openQueue(connection: QueueConnection): Opened<BullQueue> {
  if (connection.kind === 'postgres')
    return {
      bull: new onPostgres.Queue<JobData, void>(NAME, { connection: postgresOptions(connection), streams }),
      giveUp: () => {},
    }
  const { options, giveUp } = redisOptions(connection)
  return { bull: new Queue<JobData, void>(NAME, { connection: options, prefix: connection.prefix, streams }), giveUp }
}

/** A worker that is yet to be run. `backoffMs` says how long a job that failed so many times pauses. */
export function openWorker(
  connection: QueueConnection,
  { concurrency, backoffMs }: { concurrency: number; backoffMs: (attempts: number) => number },
  process: (job: Job) => Promise<void>,
): Opened<BullWorker> {
  const shared = { ...WORKER_OPTIONS, concurrency, settings: { backoffStrategy: backoffMs } }
  if (connection.kind === 'postgres')
    return {
      bull: new onPostgres.Worker<JobData, void>(NAME, process, { ...shared, connection: postgresOptions(connection) }),
      giveUp: () => {},
    }
  const { options, giveUp } = redisOptions(connection)
  return {
    bull: new Worker<JobData, void>(NAME, process, { ...shared, connection: options, prefix: connection.prefix }),
    giveUp,
  }
}

/** Commands to a Redis that is away wait for it. */
function redisOptions({ url }: { url: string }) {
  let givenUp = false
  const retryStrategy = (times: number) => (givenUp ? null : Math.min(50 * 2 ** times, 1000))
  return {
    options: { url, connectTimeout: CONNECT_TIMEOUT_MS, maxRetriesPerRequest: null, retryStrategy },
    giveUp: () => {
      givenUp = true
    },
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
