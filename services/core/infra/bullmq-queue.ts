import { AppError } from '../domain/errors.ts'
import { type BullQueue, type BullWorker, openQueue, openWorker } from './bullmq-connection.ts'
import type { Logger } from './logger.ts'
import type { QueueConnection } from './queue-connection.ts'
import { rateLimitedLog } from './rate-limited-log.ts'
import type { UploadConsumer, UploadHandler, UploadQueue } from './upload-queue.ts'

const ENQUEUE_TIMEOUT_MS = 200
const CALL_TIMEOUT_MS = 5000
const CLOSE_TIMEOUT_MS = 2000

/** Calls to a queue that is away wait in memory until it is back: so many at most, the rest is the reconciler's to make up for. */
const MOST_UNANSWERED = 1000

/** The database counts the attempts that matter. These only bridge a worker's troubles, and after them comes the reconciler. */
const JOB_OPTIONS = { attempts: 10, backoff: { type: 'capped' }, removeOnComplete: true, removeOnFail: true }
const backoffMs = (attempts: number) => Math.min(500 * 2 ** (attempts - 1), 5000)

export function createUploadQueue(connection: QueueConnection, { log }: { log: Logger }): UploadQueue {
  const queue = openQueue(connection)
  const logError = rateLimitedLog(log)
  queue.on('error', (error: Error) => logError(error, 'the queue is in trouble'))
  let unanswered = 0

  /** A call that is given up is not undone; one that succeeds late does no harm, since a job is added once by its id. */
  const within = <T>(timeoutMs: number, call: () => Promise<T>): Promise<T> => {
    if (unanswered >= MOST_UNANSWERED) return Promise.reject(unavailable())
    unanswered++
    const answer = call().finally(() => {
      unanswered--
    })
    return withTimeout(answer, timeoutMs)
  }

  return {
    async enqueue(uploadId) {
      const { name, data, opts } = jobOf(uploadId)
      await within(ENQUEUE_TIMEOUT_MS, () => queue.add(name, data, opts))
    },
    async enqueueAll(uploadIds) {
      if (uploadIds.length > 0) await within(CALL_TIMEOUT_MS, () => queue.addBulk(uploadIds.map(jobOf)))
    },
    async counts() {
      const counts = await within(CALL_TIMEOUT_MS, () => queue.getJobCounts('waiting', 'active', 'delayed', 'failed'))
      const { waiting = 0, active = 0, delayed = 0, failed = 0 } = counts
      return { waiting, active, delayed, failed }
    },
    async close() {
      if (!(await endsWithin(queue.close(), CLOSE_TIMEOUT_MS))) await abandon(queue)
    },
  }
}

export type ConsumerOptions = {
  /** Jobs in hand at once, at most. */
  concurrency: number
  handler: UploadHandler
  log: Logger
}

/** Keeps trying to reach a queue that is away, also when it was away from the start. */
export function createUploadConsumer(
  connection: QueueConnection,
  { concurrency, handler, log }: ConsumerOptions,
): UploadConsumer {
  const inHand = new Set<Promise<void>>()
  const worker = openWorker(connection, { concurrency, backoffMs }, async ({ data, timestamp }) => {
    const handled = handler({ uploadId: data.uploadId, enqueuedAt: timestamp })
    inHand.add(handled)
    await handled.finally(() => inHand.delete(handled))
  })
  const logError = rateLimitedLog(log)
  worker.on('error', (error: Error) => logError(error, 'the queue is in trouble'))
  worker.on('failed', (job, error) => logError(error, `job ${job?.id} failed`))
  worker.on('stalled', (uploadId) => log.warn({ uploadId }, 'a job starts again: its worker died or stood still'))

  return {
    async start() {
      worker.run().catch((error: unknown) => logError(error, 'the queue is no longer read'))
    },
    async stop() {
      const closing = worker.close()
      let closed: boolean
      do {
        await Promise.allSettled(inHand)
        closed = await endsWithin(closing, CLOSE_TIMEOUT_MS)
      } while (!closed && inHand.size > 0)
      if (!closed) await abandon(worker)
    },
  }
}

function jobOf(uploadId: string) {
  return { name: 'upload', data: { uploadId }, opts: { ...JOB_OPTIONS, jobId: uploadId } }
}

/** Rejects with AppError `store-unavailable` when `answer` does, or takes longer than `timeoutMs`. */
function withTimeout<T>(answer: Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(unavailable()), timeoutMs)
    answer.then(resolve, (cause: unknown) => reject(unavailable(cause))).finally(() => clearTimeout(timer))
  })
}

function unavailable(cause?: unknown): AppError {
  return new AppError('store-unavailable', 'the queue does not answer', { cause })
}

function endsWithin(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  return withTimeout(work, timeoutMs).then(
    () => true,
    () => false,
  )
}

/** Cuts the connections of a queue or worker that cannot close properly, because what it would say goodbye to is away. */
async function abandon(part: BullQueue | BullWorker): Promise<void> {
  await endsWithin(part.getBackend().close(true), CLOSE_TIMEOUT_MS)
}
