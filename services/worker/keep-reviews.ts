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
/** A skip that is over counts no more, whether its row is there or not. */
const FORGET_EVERY_MS = 60_000

/** Opens reviews whose claim has expired, which everybody treats as open before that, so that moderators hear of it; and tells how many wait. */
export function keepReviews({ reviews, metrics, log, everyMs = 2000 }: ReviewKeeperOptions): Task {
  const tasks = [
    every(everyMs, 'keeping reviews', keep, log),
    every(FORGET_EVERY_MS, 'forgetting skipped reviews', () => reviews.forgetSkips(), log),
  ]

  async function keep(): Promise<void> {
    const { open, oldestSeconds, expired } = await reviews.openReviews()
    metrics.reviewsOpen.set(open)
    metrics.oldestReview.set(oldestSeconds)
    if (expired > 0) while ((await reviews.releaseExpired({ limit: PAGE })) === PAGE);
  }

  return {
    async stop() {
      await Promise.all(tasks.map((task) => task.stop()))
    },
  }
}
