import type { Config } from '../../core/infra/config.ts'
import type { Database } from '../../core/infra/database.ts'
import { createGuardedDispatcher } from '../../core/infra/guarded-dispatcher.ts'
import type { Logger } from '../../core/infra/logger.ts'
import type { Metrics } from '../../core/infra/metrics.ts'
import { createPgDeliveryQueue } from '../../core/infra/pg-delivery-queue.ts'
import { createSecretBox } from '../../core/infra/secret-box.ts'
import type { Task } from '../every.ts'
import { startDispatcher } from './dispatcher.ts'
import { watchBacklog } from './watch-backlog.ts'

export type WebhooksOptions = {
  config: Pick<Config, 'outbound' | 'webhookRetrySeconds' | 'webhookTimeoutMs' | 'secretKeys'>
  database: Database
  metrics: Metrics
  log: Logger
}

const MOST_RESPONSE_BYTES = 65_536

/** A dispatcher with its connections, and the watch over what is left to do. */
export function startWebhooks({ config, database, metrics, log }: WebhooksOptions): Task {
  const { webhookTimeoutMs: timeoutMs, webhookRetrySeconds: schedule } = config
  const queue = createPgDeliveryQueue(database)
  const outbound = createGuardedDispatcher({
    ...config.outbound,
    connectTimeoutMs: timeoutMs,
    headersTimeoutMs: timeoutMs,
    bodyTimeoutMs: timeoutMs,
    maxResponseBytes: MOST_RESPONSE_BYTES,
  })
  const secrets = createSecretBox(config.secretKeys)
  const dispatcher = startDispatcher({ queue, databaseUrl: database.url, secrets, outbound, schedule, timeoutMs, metrics, log })
  const backlog = watchBacklog({ queue, schedule, metrics, log })
  return {
    async stop() {
      await Promise.all([dispatcher.stop(), backlog.stop()])
      await outbound.destroy()
    },
  }
}
