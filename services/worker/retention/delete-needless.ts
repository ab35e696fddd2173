import type { RetentionStore } from '../../core/infra/retention-store.ts'
import { deleteImages, type ImageDeleter } from './delete-images.ts'

export type NeedlessOptions = ImageDeleter & { store: Pick<RetentionStore, 'needless' | 'imagesDeleted'>; page?: number }

/**
 * Deletes the bytes that nobody needs. A row says so only afterwards, so that a crash in between is swept up by the next run. Goes on while there are more,
 * until `signal` aborts.
 */
export async function deleteNeedless({ store, page = 500, ...deleter }: NeedlessOptions, signal: AbortSignal): Promise<void> {
  let gone: string[]
  do {
    gone = await deleteImages(await store.needless({ limit: page }), deleter)
    await store.imagesDeleted(gone)
  } while (gone.length === page && !signal.aborted)
}
