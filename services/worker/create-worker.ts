import path from 'node:path'
import { createUploadConsumer, createUploadQueue } from '../core/infra/bullmq-queue.ts'
import { type Config, requireDatabaseUrl } from '../core/infra/config.ts'
import { openDatabase } from '../core/infra/database.ts'
import type { ExecutionProvider, ProviderNotice } from '../core/infra/execution-providers.ts'
import { createFsBlobStore } from '../core/infra/fs-blob-store.ts'
import { type Closers, killSelf, openOrClose, startStop } from '../core/infra/lifecycle.ts'
import type { Logger } from '../core/infra/logger.ts'
import { createMetrics } from '../core/infra/metrics.ts'
import { startMetricsServer } from '../core/infra/metrics-server.ts'
import { migrate } from '../core/infra/migrate.ts'
import { createPgImageTaskStore } from '../core/infra/pg-image-task-store.ts'
import { createPgRetentionStore } from '../core/infra/pg-retention-store.ts'
import { createPgReviewUpkeep } from '../core/infra/pg-review-store.ts'
import { createPgUploadStore } from '../core/infra/pg-upload-store.ts'
import { watchPolicies } from '../core/infra/policy-watcher.ts'
import { queueConnection } from '../core/infra/queue-connection.ts'
import { openModel } from './clip/open-model.ts'
import { openTuner } from './clip/tuning/open-tuner.ts'
import type { Task } from './every.ts'
import { startImageTasks } from './image-tasks/start-image-tasks.ts'
import { createJudge } from './judge.ts'
import { keepReviews } from './keep-reviews.ts'
import { createUploadProcessor } from './process-upload.ts'
import { startReconciler } from './reconcile.ts'
import { startRetention } from './retention/start-retention.ts'
import { startWebhooks } from './webhook/start-webhooks.ts'

export type Worker = {
  /** Resolves when jobs are being taken; tells the port of the metrics when they have one. */
  start(): Promise<{ metricsPort?: number }>
  stop(): Promise<void>
}

/** Wires a worker. Throws AppError `invalid-config`, `invalid-model` or `invalid-policy`; what was opened by then is closed. */
export async function createWorker(config: Config, log: Logger): Promise<Worker> {
  return openOrClose((closers) => open(config, log, closers))
}

async function open(config: Config, log: Logger, closers: Closers): Promise<Worker> {
  const databaseUrl = requireDatabaseUrl(config)
  const metrics = createMetrics()
  const model = await openModel(config.model, config)
  for (const warning of model.warnings) log.warn({ model: model.id }, warning)

  const tuner = await openTuner(config, model, log)
  let provider: ExecutionProvider | undefined
  function showProvider({ provider: opened, failed }: ProviderNotice): void {
    for (const { provider: missed, message } of failed)
      log.warn({ provider: missed, reason: message }, 'cannot run the model there')
    if (provider !== undefined) metrics.inferenceProvider.set({ provider }, 0)
    provider = opened
    metrics.inferenceProvider.set({ provider }, 1)
    log.info({ provider, model: model.id }, 'the model runs')
  }

  const judge = createJudge({
    ...config,
    inferenceThreads: tuner.settings().inferenceThreads,
    model,
    textCacheDir: path.join(config.dataDir, 'text-embeddings'),
    graphDir: path.join(config.dataDir, 'graphs'),
    onBatch: (views) => metrics.inferenceBatchSize.observe(views),
    onOpened: showProvider,
    tune: (images) => tuner.settle(images, provider ?? 'cpu'),
    whenStuck: {
      afterMs: config.inferenceTimeoutMs,
      tell: () => killSelf(log, 'the model hangs: ending, so that another worker takes the jobs'),
    },
    log,
  })
  closers.push(() => judge.close())

  const database = openDatabase({ url: databaseUrl, schema: config.databaseSchema, pool: config.databasePool, log })
  closers.push(() => database.close())
  await migrate(config, log)
  const store = createPgUploadStore(database)
  const policies = await watchPolicies({
    dir: config.policiesDir,
    modelId: model.id,
    log,
    metrics,
    activate: async (next) => {
      // Before a decision can name them.
      await store.recordPolicyVersions(next)
      await judge.usePolicies(next)
    },
  })
  closers.push(() => policies.close())

  const connection = queueConnection(config, databaseUrl)
  const blobs = createFsBlobStore({ dir: config.blobDir })
  const handler = createUploadProcessor({ store, blobs, judge, decoders: config.decoders, model, metrics, log })
  // All at once: each may need some of the time that a shutdown has.
  const tasks: Task[] = []
  closers.push(() => Promise.all(tasks.map((task) => task.stop())))

  async function serveMetrics(): Promise<number | undefined> {
    if (config.metricsPort === undefined) return undefined
    const server = await startMetricsServer({
      host: config.host,
      port: config.metricsPort,
      registry: metrics.registry,
      readiness: () => ({
        status: 'ready',
        model: { id: model.id, revision: model.revision },
        provider,
        settings: tuner.settings(),
      }),
    })
    closers.push(() => server.close())
    return server.port
  }

  function openReconciler(): Task {
    const queue = createUploadQueue(connection, { log })
    const reconciler = startReconciler({ store, queue, metrics, log })
    return {
      async stop() {
        await reconciler.stop()
        await queue.close()
      },
    }
  }

  function openRetention(): Task {
    return startRetention({ store: createPgRetentionStore(database), blobs, limits: config.retentionLimits, metrics, log })
  }

  function openImageTasks(): Task {
    const imageTasks = createPgImageTaskStore(database)
    return startImageTasks({ config, store: imageTasks, databaseUrl: database.url, blobs, judge, model, metrics, log })
  }

  async function start(): Promise<{ metricsPort?: number }> {
    await judge.ready()
    const consumer = createUploadConsumer(connection, { concurrency: tuner.settings().concurrency, handler, log })
    tasks.push(consumer)
    const metricsPort = await serveMetrics()
    if (config.reconciler) tasks.push(openReconciler(), keepReviews({ reviews: createPgReviewUpkeep(database), metrics, log }))
    if (config.retention) tasks.push(openRetention())
    if (config.imageTasks) tasks.push(openImageTasks())
    if (config.dispatcher) tasks.push(startWebhooks({ config, database, metrics, log }))
    await consumer.start()
    log.info(
      { model: { id: model.id, revision: model.revision }, policies: policies.current().map(({ id }) => id) },
      'worker ready',
    )
    return metricsPort === undefined ? {} : { metricsPort }
  }

  return startStop(start, () => closers.close())
}
