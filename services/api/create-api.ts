import type { FastifyInstance } from 'fastify'
import { listAudit } from '../core/infra/audit-log.ts'
import { createUploadQueue } from '../core/infra/bullmq-queue.ts'
import { cannotListen } from '../core/infra/cannot-listen.ts'
import { type Config, requireDatabaseUrl } from '../core/infra/config.ts'
import { openDatabase } from '../core/infra/database.ts'
import { listenForDecisions } from '../core/infra/decision-listener.ts'
import { createFsBlobStore } from '../core/infra/fs-blob-store.ts'
import { createGuardedDispatcher } from '../core/infra/guarded-dispatcher.ts'
import { listenForIds } from '../core/infra/id-listener.ts'
import { IMAGE_TASKS_ENDED_CHANNEL } from '../core/infra/image-task-store.ts'
import { type Closers, openOrClose, startStop } from '../core/infra/lifecycle.ts'
import type { Logger } from '../core/infra/logger.ts'
import { createMetrics } from '../core/infra/metrics.ts'
import { startMetricsServer } from '../core/infra/metrics-server.ts'
import { migrate } from '../core/infra/migrate.ts'
import { createPgApiKeyStore } from '../core/infra/pg-api-key-store.ts'
import { createPgDeliveryStore } from '../core/infra/pg-delivery-store.ts'
import { createPgFeedStore } from '../core/infra/pg-feed-store.ts'
import { createPgIdempotencyStore } from '../core/infra/pg-idempotency-store.ts'
import { createPgImageTaskStore } from '../core/infra/pg-image-task-store.ts'
import { createPgInsightStore } from '../core/infra/pg-insight-store.ts'
import { createPgReviewQueueStore } from '../core/infra/pg-review-queue-store.ts'
import { createPgReviewStore } from '../core/infra/pg-review-store.ts'
import { createPgSessionStore } from '../core/infra/pg-session-store.ts'
import { createPgUploadStore } from '../core/infra/pg-upload-store.ts'
import { createPgWebhookStore } from '../core/infra/pg-webhook-store.ts'
import { watchPolicies } from '../core/infra/policy-watcher.ts'
import { queueConnection } from '../core/infra/queue-connection.ts'
import { createSecretBox } from '../core/infra/secret-box.ts'
import { createApp } from './app.ts'
import { createFeedHub } from './feed/feed-hub.ts'
import { openCounts, type RateLimit } from './limit-rate.ts'

export type Api = {
  /** Listens, and tells the ports: that of the metrics when they have one. Throws AppError `invalid-config` when the address is taken or is not ours. */
  start(): Promise<{ port: number; metricsPort?: number }>
  stop(): Promise<void>
}

/** Fails without PostgreSQL, and without our tables. */
const CHECK = { name: 'check-database', text: 'SELECT 1 FROM migrations LIMIT 1' }

/** For statistics, which get connections of their own, so that dashboards hold up nobody else. */
const STATISTICS = { pool: 3, readOnly: { timeoutMs: 3000 } }

/** How long the server of an image that is fetched may be silent. */
const SERVER_TIMEOUT_MS = 10_000

/** Wires an api and migrates its database. Throws AppError `invalid-config` or `invalid-policy`; what was opened by then is closed. */
export async function createApi(config: Config, log: Logger): Promise<Api> {
  return openOrClose((closers) => open(config, log, closers))
}

async function open(config: Config, log: Logger, closers: Closers): Promise<Api> {
  const databaseUrl = requireDatabaseUrl(config)
  await migrate(config, log)
  const metrics = createMetrics()
  const database = openDatabase({ url: databaseUrl, schema: config.databaseSchema, pool: config.databasePool, log })
  closers.push(() => database.close())
  const statistics = openDatabase({ url: databaseUrl, schema: config.databaseSchema, ...STATISTICS, log })
  closers.push(() => statistics.close())
  const queue = createUploadQueue(queueConnection(config, databaseUrl), { log })
  closers.push(() => queue.close())
  const policies = await watchPolicies({ dir: config.policiesDir, log, metrics })
  closers.push(() => policies.close())
  const outbound = createGuardedDispatcher({
    ...config.outbound,
    connectTimeoutMs: SERVER_TIMEOUT_MS,
    headersTimeoutMs: SERVER_TIMEOUT_MS,
    bodyTimeoutMs: SERVER_TIMEOUT_MS,
    maxResponseBytes: config.maxUploadBytes,
  })
  closers.push(() => outbound.destroy())
  const uploads = createPgUploadStore(database)
  const events = createPgFeedStore(database)
  await events.adoptRestored()
  const decisions = listenForDecisions({ url: database.url, log })
  const endedImageTasks = listenForIds({ url: database.url, channel: IMAGE_TASKS_ENDED_CHANNEL, log })
  const feed = createFeedHub({ url: database.url, store: events, mostReaders: config.maxFeedReaders, metrics, log })

  const app = await createApp({
    config,
    log,
    metrics,
    keys: createPgApiKeyStore(database),
    sessions: createPgSessionStore(database),
    uploads,
    idempotency: createPgIdempotencyStore(database),
    blobs: createFsBlobStore({ dir: config.blobDir }),
    queue,
    decisions,
    imageTasks: createPgImageTaskStore(database),
    endedImageTasks,
    feed,
    policies,
    reviews: createPgReviewStore(database, config.reviewTimes),
    reviewQueues: createPgReviewQueueStore(database),
    webhooks: createPgWebhookStore(database, createSecretBox(config.secretKeys)),
    deliveries: createPgDeliveryStore(database),
    insights: createPgInsightStore(statistics),
    rateLimit: openRateLimit(config, closers),
    outbound,
    listAudit: (filter, limit) => listAudit(database, filter, limit),
    checkDatabase: async () => void (await database.run(CHECK, [])),
  })
  closers.push(() => app.close())
  // Closed first: requests that wait are answered then, and do not hold up the rest.
  closers.push(() => Promise.all([decisions.close(), endedImageTasks.close()]))
  closers.push(() => feed.close())

  async function serveMetrics(): Promise<number | undefined> {
    if (config.metricsPort === undefined) return undefined
    const server = await startMetricsServer({ host: config.host, port: config.metricsPort, registry: metrics.registry })
    closers.push(() => server.close())
    return server.port
  }

  async function start() {
    const metricsPort = await serveMetrics()
    const port = await listen(app, config)
    log.info({ host: config.host, port, policies: policies.current().map(({ id }) => id) }, 'api ready')
    return { port, ...(metricsPort !== undefined && { metricsPort }) }
  }

  return startStop(start, () => closers.close())
}

function openRateLimit({ rateLimitPerMinute, redisUrl, queuePrefix }: Config, closers: Closers): RateLimit | undefined {
  if (rateLimitPerMinute === undefined) return undefined
  const counts = redisUrl === undefined ? undefined : openCounts(redisUrl)
  closers.push(async () => counts?.disconnect())
  return { perMinute: rateLimitPerMinute, counts, prefix: queuePrefix }
}

async function listen(app: FastifyInstance, { host, port }: Config): Promise<number> {
  await app.listen({ host, port }).catch((cause: unknown) => cannotListen('HOST, PORT', { host, port }, cause))
  return (app.addresses()[0] as { port: number }).port
}
