import type { BlobStore, StoredBlob } from '../../core/infra/blob-store.ts'
import type { Logger } from '../../core/infra/logger.ts'
import type { Metrics } from '../../core/infra/metrics.ts'
import type { RetentionStore } from '../../core/infra/retention-store.ts'

export type OrphanSweeperOptions = {
  store: Pick<RetentionStore, 'orphansAmong'>
  blobs: Pick<BlobStore, 'list' | 'delete'>
  metrics: Pick<Metrics, 'imagesDeleted'>
  log: Logger
  now: () => Date
  /** Blobs that one run looks at. */
  page?: number
}

/** The row follows its bytes within moments, or never: whoever was to write it has died. */
const ORPHANED_AFTER_MS = 3_600_000

/**
 * Deletes bytes that no upload has: an api died between them and their row, or they came back with a backup. Each run looks at the next blobs after those of
 * the run before, and begins again at the end.
 */
export function createOrphanSweeper({ store, blobs, metrics, log, now, page = 5000 }: OrphanSweeperOptions): () => Promise<void> {
  let listing: AsyncIterator<StoredBlob> | undefined

  return async () => {
    const found = await next()
    const old = found.filter(({ modifiedAt }) => now().getTime() - modifiedAt.getTime() > ORPHANED_AFTER_MS)
    const orphans = await store.orphansAmong(old)
    for (const key of orphans) {
      await blobs.delete(key)
      metrics.imagesDeleted.inc({ reason: 'orphan' })
    }
    if (orphans.length > 0) log.warn({ blobs: orphans }, 'deleted bytes that belonged to no upload')
  }

  async function next(): Promise<StoredBlob[]> {
    const found: StoredBlob[] = []
    listing ??= blobs.list()[Symbol.asyncIterator]()
    try {
      while (found.length < page) {
        const { done, value } = await listing.next()
        if (done) {
          listing = undefined
          break
        }
        found.push(value)
      }
    } catch (error) {
      listing = undefined
      throw error
    }
    return found
  }
}
