import type { BlobStore } from '../../core/infra/blob-store.ts'
import { listenOnChannel } from '../../core/infra/channel-listener.ts'
import type { Config } from '../../core/infra/config.ts'
import { type ClaimedTask, IMAGE_TASKS_CHANNEL, type ImageTaskStore, RENDITIONS } from '../../core/infra/image-task-store.ts'
import type { Logger } from '../../core/infra/logger.ts'
import type { Metrics } from '../../core/infra/metrics.ts'
import type { Model } from '../clip/open-model.ts'
import { every, type Task } from '../every.ts'
import { createSpareDecoder } from '../image/spare-decoder.ts'
import type { Judge } from '../judge.ts'
import { doImageTask } from './do-image-task.ts'
import { startImageTaskRunner } from './image-task-runner.ts'

export type ImageTasksOptions = {
  config: Pick<Config, 'preprocess' | 'maxPixels' | 'avif' | 'decodeLimits'>
  store: ImageTaskStore
  /** Where new tasks are announced. */
  databaseUrl: string
  blobs: Pick<BlobStore, 'withFile'>
  judge: Pick<Judge, 'policies' | 'embedInPassing'>
  model: Model
  metrics: Pick<Metrics, 'imageTasks' | 'imageTaskDuration'>
  log: Logger
}

/** Results are kept for as long as somebody is likely to look again; those that are needed later are made anew. */
const KEPT_MS = 24 * 3_600_000
/** What failed may do so no more: a decoder was out of time on a busy machine, or the model out of memory. */
const FAILED_MS = 15 * 60_000
const CLEAN_EVERY_MS = 60_000

/** Makes of images what moderators ask for. Renditions do not wait for explanations, which take longer. */
export function startImageTasks({ config, store, blobs, judge, model, metrics, log, databaseUrl }: ImageTasksOptions): Task {
  const { preprocess: mode, maxPixels, avif, decodeLimits: limits } = config
  const decoder = createSpareDecoder({ preprocessing: model.preprocessing, mode, maxPixels, avif, limits, log })
  const work = (task: ClaimedTask, signal: AbortSignal) => doImageTask(task, { store, blobs, decoder, judge, model }, signal)
  const runners = [RENDITIONS, ['explanation'] as const].map((kinds) =>
    startImageTaskRunner({ kinds, modelRevision: model.revision, store, work, metrics, log }),
  )
  const ring = () => {
    for (const runner of runners) runner.ring()
  }
  const channel = IMAGE_TASKS_CHANNEL
  const listener = listenOnChannel({ url: databaseUrl, channel, onMessage: ring, onConnect: ring, log })
  const cleaning = every(CLEAN_EVERY_MS, 'deleting old renditions', () => clean(store, model), log)
  void clean(store, model).catch((error: unknown) => log.warn({ err: error }, 'deleting old renditions failed'))
  return {
    async stop() {
      const stopping = Promise.all(runners.map((runner) => runner.stop()))
      await Promise.all([decoder.close(), stopping, listener.close(), cleaning.stop()])
    },
  }
}

async function clean(store: ImageTaskStore, { revision }: Model): Promise<void> {
  await store.deleteOld({ olderThanMs: KEPT_MS, failedBeforeMs: FAILED_MS })
  await store.deleteOthers(revision)
}
