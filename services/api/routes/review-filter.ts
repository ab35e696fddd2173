import { AppError } from '../../core/domain/errors.ts'
import type { ReviewFilter } from '../../core/domain/review-queue.ts'
import type { ReviewQueueStore } from '../../core/infra/review-queue-store.ts'

/** What a request asks for: a queue's filter, and what it says itself. Throws AppError `not-found` for a queue that is none. */
export async function filterOf(
  queues: Pick<ReviewQueueStore, 'filterOf'>,
  tenant: string,
  { queue, policy, source, origin }: ReviewFilter & { queue?: string | undefined },
): Promise<ReviewFilter> {
  const own = queue === undefined ? {} : await queues.filterOf(tenant, queue)
  if (!own) throw new AppError('not-found', `there is no queue ${queue}`)
  return { policy: policy ?? own.policy, source: source ?? own.source, origin: origin ?? own.origin }
}
