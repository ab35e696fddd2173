import type { BlobStore } from '../../core/infra/blob-store.ts'
import type { RetentionLimits } from '../../core/infra/config.ts'
import type { Logger } from '../../core/infra/logger.ts'
import type { Metrics } from '../../core/infra/metrics.ts'
import type { RetentionStore } from '../../core/infra/retention-store.ts'
import { every, type Task } from '../every.ts'
import { deleteNeedless } from './delete-needless.ts'
import { expireUploads } from './expire-uploads.ts'
import { createOrphanSweeper } from './orphan-sweeper.ts'

export type RetentionOptions = {
  store: RetentionStore
  blobs: Pick<BlobStore, 'delete' | 'list'>
  limits: RetentionLimits
  metrics: Pick<Metrics, 'imagesDeleted'>
  log: Logger
  now?: () => Date
}

const NEEDLESS_EVERY_MS = 5000
const OTHERS_EVERY_MS = 60_000

/** Deletes what need not be kept: some of it at once, some of it after its time, and what was left behind. Any number of workers may do so. */
export function startRetention({ limits, now = () => new Date(), ...shared }: RetentionOptions): Task {
  const { log } = shared
  const stopping = new AbortController()
  const sweepOrphans = createOrphanSweeper({ ...shared, now })
  const tasks = [
    every(NEEDLESS_EVERY_MS, 'deleting needless images', () => deleteNeedless(shared, stopping.signal), log),
    every(OTHERS_EVERY_MS, 'deleting expired images', () => expireUploads({ ...shared, limits, now }, stopping.signal), log),
    every(OTHERS_EVERY_MS, 'deleting orphaned images', sweepOrphans, log),
  ]
  return {
    async stop() {
      stopping.abort()
      await Promise.all(tasks.map((task) => task.stop()))
    },
  }
}
