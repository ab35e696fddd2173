import { type Api, hasProblem } from '../api.ts'
import type { QueueFilter, Review } from '../api-types.ts'
import type { LineService } from './line-contract.ts'

/** Which reviews are handed out: those of a named queue, or what a filter lets through. */
export type Choice = QueueFilter & { queue?: string }

/** The routes of reviews, as a line of them needs these. Releasing outlives the page. */
export function createLineService(api: Api, choice: Choice): LineService {
  return {
    next: async (count) => (await api.post<{ items: Review[] }>('/reviews/next', { count, ...choice })).items,
    claim: (id) => api.post<Review>(`/reviews/${id}/claim`, {}),
    release: (id, skip) => api.post(`/reviews/${id}/release`, { skip }, { keepalive: true }),
    resolve: (id, ruling) => api.post<Review>(`/reviews/${id}/resolve`, ruling, { keepalive: true }),
    undo: (id) => api.post<Review>(`/reviews/${id}/undo`, {}),
    now: api.now,
    isLost: (error) => hasProblem(error, 'review-claimed', 'review-resolved', 'not-found', 'erased', 'undo-expired'),
  }
}

/** What an address chooses. */
export function choiceOf({ queue, policy, source, origin }: Record<string, string>): Choice {
  return {
    ...(queue && { queue }),
    ...(policy && { policy }),
    ...(source && { source }),
    ...((origin === 'decision' || origin === 'report' || origin === 'appeal') && { origin }),
  }
}
