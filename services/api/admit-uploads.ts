import { AppError } from '../core/domain/errors.ts'
import type { BlobStore } from '../core/infra/blob-store.ts'
import type { Config } from '../core/infra/config.ts'
import type { UploadStore } from '../core/infra/upload-store.ts'
import { recentValue } from './recent-value.ts'

export type AdmissionOptions = {
  uploads: Pick<UploadStore, 'pendingCount'>
  blobs: Pick<BlobStore, 'freeBytes'>
  config: Pick<Config, 'maxPendingUploads' | 'minFreeDiskBytes'>
}

/** A backlog does not go away in a moment. */
const BACKLOG_RETRY_SECONDS = 10

/**
 * Says no before anything is read of an upload for which there is no room: throws AppError `overloaded` when too many wait for their decision, and
 * `storage-full` when the disk is nearly full. Both are looked at once a second at most, whatever comes in, and bound what is taken to about that.
 */
export function admitUploads({ uploads, blobs, config }: AdmissionOptions): () => void {
  const { maxPendingUploads: mostPending, minFreeDiskBytes: leastFree } = config
  const pending = mostPending === undefined ? undefined : recentValue(() => uploads.pendingCount({ olderThanMs: 0 }))
  const free = leastFree === 0 ? undefined : recentValue(() => blobs.freeBytes())

  return () => {
    if (mostPending !== undefined && (pending?.() ?? 0) >= mostPending)
      throw new AppError('overloaded', `${mostPending} uploads wait for their decision: try again when some have it`, {
        details: { retry_after: BACKLOG_RETRY_SECONDS },
      })
    if ((free?.() ?? leastFree) < leastFree) throw new AppError('storage-full', 'the disk is nearly full')
  }
}
