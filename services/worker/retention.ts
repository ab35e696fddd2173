import type { BlobStore } from '../core/infra/blob-store.ts'
import type { Logger } from '../core/infra/logger.ts'
import type { UploadStore } from '../core/infra/upload-store.ts'
import { every, type Task } from './every.ts'

export type RetentionOptions = {
  store: Pick<UploadStore, 'approvedWithBlob' | 'blobsDeleted'>
  blobs: Pick<BlobStore, 'delete'>
  log: Logger
  everyMs?: number
}

const PAGE = 500

/** Deletes the bytes of approved images soon after their decision. The row says so only afterwards, so a crash in between is swept up by the next run. */
export function startRetention({ store, blobs, log, everyMs = 5000 }: RetentionOptions): Task {
  return every(everyMs, 'deleting the bytes of approved images', deleteApproved, log)

  async function deleteApproved(): Promise<void> {
    let found: { id: string; blobKey: string }[]
    do {
      found = await store.approvedWithBlob({ limit: PAGE })
      for (const { blobKey } of found) await blobs.delete(blobKey)
      if (found.length > 0) await store.blobsDeleted(found.map(({ id }) => id))
    } while (found.length === PAGE)
  }
}
