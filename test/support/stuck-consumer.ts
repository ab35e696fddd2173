import { createUploadConsumer } from '../../services/core/infra/bullmq-queue.ts'
import { silentLogger } from '../../services/core/infra/logger.ts'
import type { QueueConnection } from '../../services/core/infra/queue-connection.ts'

/** Run as a process: takes one job of the queue that argv names, says so to its parent, and never ends it. */
const connection: QueueConnection = JSON.parse(process.argv[2] ?? '')
const handler = ({ uploadId }: { uploadId: string }) => {
  process.send?.(uploadId)
  return new Promise<void>(() => {})
}
await createUploadConsumer(connection, { concurrency: 1, handler, log: silentLogger() }).start()
