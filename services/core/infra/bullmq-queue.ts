import { setTimeout as pause } from 'node:timers/promises'
import { createBreaker } from './breaker.ts'
import { openQueue, openWorker } from './bullmq-connection.ts'
import type { Logger } from './logger.ts'
import type { QueueConnection } from './queue-connection.ts'
import { rateLimitedLog } from './rate-limited-log.ts'
import type { UploadConsumer, UploadHandler, UploadQueue } from './upload-queue.ts'

const ENQUEUE_TIMEOUT_MS = 200
const CALL_TIMEOUT_MS = 5000
/** What cannot say goodbye to a server that is away is left to the end of the process. */
const CLOSE_TIMEOUT_MS = 2000

/** The database counts the attempts that matter. These only bridge a worker's troubles, and after them comes the reconciler. */
const JOB_OPTIONS = { attempts: 10, backoff: { type: 'capped' }, removeOnComplete: true, removeOnFail: true }
const backoffMs = (attempts: number) => Math.min(500 * 2 ** (attempts - 1), 5000)

/** A job that is added late, after its caller gave up, does no harm: it is there once, by its id. */
export function createUploadQueue(connection: QueueConnection, { log }: { log: Logger }): UploadQueue {
  const logError = rateLimitedLog(log)
  const queue = openQueue(connection)
  queue.bull.on('error', (error) => logError(error, 'the queue is in trouble'))
  const within = createBreaker('the queue')

  return {
    async enqueue(uploadId) {
      const { name, data, opts } = jobOf(uploadId)
      await within(ENQUEUE_TIMEOUT_MS, () => queue.bull.add(name, data, opts))
    },
    async enqueueAll(uploadIds) {
      if (uploadIds.length > 0) await within(CALL_TIMEOUT_MS, () => queue.bull.addBulk(uploadIds.map(jobOf)))
    },
    endPauses: () => within(CALL_TIMEOUT_MS, () => queue.bull.promoteJobs()),
    async counts() {
      const counts = await within(CALL_TIMEOUT_MS, () => queue.bull.getJobCounts('waiting', 'active', 'delayed', 'failed'))
      const { waiting = 0, active = 0, delayed = 0, failed = 0 } = counts
      return { waiting, active, delayed, failed }
    },
    async close() {
      queue.giveUp()
      await settledWithin(CLOSE_TIMEOUT_MS, queue.bull.close())
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
  const logError = rateLimitedLog(log)
  const inHand = new Set<Promise<void>>()
  const worker = openWorker(connection, { concurrency, backoffMs }, async ({ data, timestamp, attemptsMade }) => {
    const handled = handler({ uploadId: data.uploadId, enqueuedAt: timestamp, failures: attemptsMade })
    inHand.add(handled)
    await handled.finally(() => inHand.delete(handled))
  })
  worker.bull.on('error', (error) => logError(error, 'the queue is in trouble'))
  worker.bull.on('failed', (job, error) => logError(error, 'a job failed', log.child({ uploadId: job?.id })))
  worker.bull.on('stalled', (uploadId) => log.warn({ uploadId }, 'a job starts again: its worker died or stood still'))

  return {
    async start() {
      worker.bull.run().catch((error: unknown) => logError(error, 'the queue is no longer read'))
    },
    async stop() {
      const closing = worker.bull.close()
      while (inHand.size > 0) await Promise.allSettled(inHand)
      worker.giveUp()
      await settledWithin(CLOSE_TIMEOUT_MS, closing)
    },
  }
}

function jobOf(uploadId: string) {
  return { name: 'upload', data: { uploadId }, opts: { ...JOB_OPTIONS, jobId: uploadId } }
}

async function settledWithin(timeoutMs: number, work: Promise<unknown>): Promise<void> {
  await Promise.race([work.catch(() => {}), pause(timeoutMs, undefined, { ref: false })])
}
