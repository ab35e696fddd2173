import type { Logger } from '../core/infra/logger.ts'
import type { Metrics } from '../core/infra/metrics.ts'
import type { ReviewUpkeep } from '../core/infra/review-store.ts'
import { every, type Task } from './every.ts'

export type ReviewKeeperOptions = {
  reviews: ReviewUpkeep
  metrics: Pick<Metrics, 'reviewsOpen' | 'oldestReview'>
  log: Logger
  everyMs?: number
}

const PAGE = 100

/** Opens reviews whose claim has expired, which everybody treats as open before that, so that moderators hear of it; and tells how many wait. */
export function keepReviews({ reviews, metrics, log, everyMs = 2000 }: ReviewKeeperOptions): Task {
  return every(everyMs, 'keeping reviews', keep, log)

  async function keep(): Promise<void> {
    while ((await reviews.releaseExpired({ limit: PAGE })) === PAGE);
    await reviews.forgetSkips()
    const { open, oldestSeconds } = await reviews.openReviews()
    metrics.reviewsOpen.set(open)
    metrics.oldestReview.set(oldestSeconds)
  }
}
