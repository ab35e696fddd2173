import type { RetentionLimits } from '../../core/infra/config.ts'
import type { RetentionStore } from '../../core/infra/retention-store.ts'
import { deleteImages, type ImageDeleter } from './delete-images.ts'

export type ExpiryOptions = ImageDeleter & {
  store: Pick<RetentionStore, 'expired' | 'imagesExpired' | 'deleteEmbeddings' | 'deleteRecords' | 'deletePassingEvents'>
  limits: RetentionLimits
  now: () => Date
  page?: number
}

const DAY_MS = 86_400_000

/** Deletes what was kept for long enough: bytes, embeddings, events of the feed, and at last the rows. Goes on while there is more, until `signal` aborts. */
export async function expireUploads(
  { store, limits, now, page = 500, ...deleter }: ExpiryOptions,
  signal: AbortSignal,
): Promise<void> {
  const daysAgo = (days: number) => new Date(now().getTime() - days * DAY_MS)
  const { appealDays, retentionDays, recordDays, feedDays } = limits
  const repeat = async (work: () => Promise<number>) => {
    while ((await work()) === page && !signal.aborted);
  }

  await repeat(async () => {
    const due = await store.expired({ resolvedBefore: daysAgo(appealDays), decidedBefore: daysAgo(retentionDays), limit: page })
    const unreviewed = due.filter(({ reason }) => reason === 'unreviewed').length
    if (unreviewed > 0)
      deleter.log.warn({ uploads: unreviewed }, `not reviewed in ${retentionDays} days: only their scores are left`)
    const gone = await deleteImages(due, deleter)
    await store.imagesExpired(gone)
    return gone.length
  })
  await repeat(() => store.deleteEmbeddings({ before: daysAgo(retentionDays), limit: page }))
  await repeat(() => store.deletePassingEvents({ before: daysAgo(feedDays), limit: page }))
  if (recordDays !== undefined) await repeat(() => store.deleteRecords({ before: daysAgo(recordDays), limit: page }))
}
