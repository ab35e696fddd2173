import type { BlobStore } from '../../core/infra/blob-store.ts'
import type { Logger } from '../../core/infra/logger.ts'
import type { Metrics } from '../../core/infra/metrics.ts'
import type { DueImage } from '../../core/infra/retention-store.ts'

export type ImageDeleter = {
  blobs: Pick<BlobStore, 'delete'>
  metrics: Pick<Metrics, 'imagesDeleted'>
  log: Logger
}

/** Deletes bytes, and resolves to the ids of those that are gone. What cannot be deleted now does not keep the others from it. */
export async function deleteImages(due: DueImage[], { blobs, metrics, log }: ImageDeleter): Promise<string[]> {
  const gone: string[] = []
  const remove = async ({ id, blobKey, reason }: DueImage) => {
    try {
      await blobs.delete(blobKey)
      gone.push(id)
      metrics.imagesDeleted.inc({ reason })
    } catch (error) {
      log.error({ err: error, uploadId: id, reason }, 'the bytes of an image could not be deleted')
    }
  }
  // All at once: one by one, each would wake this thread.
  await Promise.all(due.map(remove))
  return gone
}
