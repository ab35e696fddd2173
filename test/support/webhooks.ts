import { silentLogger } from '../../services/core/infra/logger.ts'
import { createMetrics } from '../../services/core/infra/metrics.ts'
import { parseAllowList } from '../../services/core/infra/parse-allow-list.ts'
import { createPgDeliveryStore } from '../../services/core/infra/pg-delivery-store.ts'
import { createPgUploadStore } from '../../services/core/infra/pg-upload-store.ts'
import { createPgWebhookStore } from '../../services/core/infra/pg-webhook-store.ts'
import { createSecretBox } from '../../services/core/infra/secret-box.ts'
import type { ClaimedUpload } from '../../services/core/infra/upload-store.ts'
import type { NewWebhookEndpoint } from '../../services/core/infra/webhook-store.ts'
import type { Task } from '../../services/worker/every.ts'
import { startWebhooks } from '../../services/worker/webhook/start-webhooks.ts'
import { type Answer, startReceiver } from './receiver.ts'
import { newConclusion, newUpload, openTestStore } from './test-store.ts'
import { waitFor } from './wait-for.ts'

export type WebhookBench = Awaited<ReturnType<typeof openWebhookBench>>

export type DispatcherSettings = { schedule?: number[]; timeoutMs?: number }

/** A database with webhooks in it, receivers, and dispatchers that may reach them. */
export async function openWebhookBench() {
  const opened = await openTestStore()
  const { database, server } = opened
  const uploads = createPgUploadStore(database)
  const webhooks = createPgWebhookStore(database, createSecretBox([]))
  const deliveries = createPgDeliveryStore(database)
  const ports: number[] = []
  const closers: (() => Promise<unknown>)[] = []
  const dispatchers: Task[] = []

  const query = async (sql: string, ...values: unknown[]) => (await server.query(sql, values)).rows

  return {
    database,
    url: server.url,
    uploads,
    webhooks,
    deliveries,
    query,
    metrics: createMetrics(),

    async receiver(answer?: Answer) {
      const receiver = await startReceiver(answer)
      ports.push(receiver.port)
      closers.push(receiver.close)
      return receiver
    },

    endpoint: (url: string, values: Partial<NewWebhookEndpoint> = {}) =>
      webhooks.create({ tenant: 'default', url, eventTypes: [], ...values }),

    /** Each is as one of another process. */
    dispatcher({ schedule = [0.05, 0.05, 0.05], timeoutMs = 2000 }: DispatcherSettings = {}): Task {
      const outbound = { allow: parseAllowList('127.0.0.1').allow, ports }
      const task = startWebhooks({
        config: { outbound, webhookRetrySeconds: schedule, webhookTimeoutMs: timeoutMs, secretKeys: [] },
        database,
        metrics: this.metrics,
        log: silentLogger(),
      })
      dispatchers.push(task)
      return task
    },

    /** Decides an upload, and tells its id. */
    async decide(values: Parameters<typeof newUpload>[0] = {}, conclusion = newConclusion()): Promise<string> {
      const upload = newUpload(values)
      await uploads.insert(upload)
      await uploads.conclude((await uploads.claim(upload.id)) as ClaimedUpload, conclusion)
      return upload.id
    },

    deliveriesOf: async (endpointId: string) => (await deliveries.list('default', { endpointId }, { limit: 200 })).items,

    /** The only delivery of an endpoint, once it is in `state`. */
    deliveryOnce: (endpointId: string, state: 'pending' | 'delivered' | 'dead', attempts = 1) =>
      waitFor(
        async () => {
          const [delivery] = (await deliveries.list('default', { endpointId }, { limit: 2 })).items
          return delivery?.state === state && delivery.attempts >= attempts && deliveries.find('default', delivery.id)
        },
        { what: `a delivery that is ${state} after ${attempts} attempts` },
      ),

    /** Stops the dispatchers, closes the receivers, and forgets all webhooks. */
    async clear() {
      await Promise.all(dispatchers.splice(0).map((each) => each.stop()))
      await Promise.all(closers.splice(0).map((close) => close()))
      await query('DELETE FROM pixwarden.webhook_endpoints')
    },
    close: () => opened.close(),
  }
}
