import type { Resolution, Review, ReviewChange } from '../api-types.ts'
import type { FeedType } from '../feed.ts'

export const REVIEW_FEED: FeedType[] = [
  'review.opened',
  'review.claimed',
  'review.released',
  'review.resolved',
  'review.reopened',
]

/** The list after what the feed told: who has what, in place. Reviews that are not in it are not put there. */
export function applyChange(
  reviews: Review[],
  type: FeedType,
  change: ReviewChange & { resolution?: unknown },
  me: string | undefined,
): Review[] {
  if (!reviews.some(({ id }) => id === change.id)) return reviews
  return reviews.map((review) => (review.id === change.id ? changed(review, type, change, me) : review))
}

function changed(
  review: Review,
  type: FeedType,
  { state, claim, resolution }: ReviewChange & { resolution?: unknown },
  me: string | undefined,
): Review {
  const { claim: _claim, resolution: _resolution, ...rest } = review
  if (type === 'review.resolved') return { ...rest, state: 'resolved', ...(isResolution(resolution) && { resolution }) }
  return { ...rest, state, ...(claim && { claim: { ...claim, mine: claim.by.id === me } }) }
}

function isResolution(told: unknown): told is Resolution {
  return typeof told === 'object' && told !== null && 'by' in told
}
