import type { Decision } from './decision.ts'
import type { Action } from './policy.ts'

/** What a webhook can be subscribed to. */
export const EVENT_TYPES = ['upload.decided', 'review.opened', 'review.resolved'] as const
export type EventType = (typeof EVENT_TYPES)[number]

/** An event as webhooks carry it (Standard Webhooks, payload structure). Its text is frozen when it is stored. */
export type Event =
  | Payload<'upload.decided', Decision>
  | Payload<'review.opened', OpenedReview>
  | Payload<'review.resolved', ResolvedReview>
  | Payload<'webhook.test', { endpoint_id: string }>

type Payload<Type extends string, Data> = { type: Type; timestamp: string; data: Data }

/** A review, and enough of its upload to find it on the platform's side; the decision has the rest. */
export type OpenedReview = {
  id: string
  state: 'open'
  upload: { id: string; external_id?: string; source?: string; metadata?: Record<string, unknown> }
  action: Action
  reason_codes: string[]
  opened_at: string
}

export type ResolvedReview = Omit<OpenedReview, 'state'> & {
  state: 'resolved'
  resolution: string
  reason?: string
  resolved_by: string
  resolved_at: string
}

export function uploadDecided(decision: Decision): Event {
  return { type: 'upload.decided', timestamp: decision.decided_at, data: decision }
}

/** For the review that a decision opens. */
export function reviewOpened(reviewId: string, decision: Decision): Event {
  const { id, external_id, source, metadata, action, recommendation, decided_at } = decision
  const upload = {
    id,
    ...(external_id !== undefined && { external_id }),
    ...(source !== undefined && { source }),
    ...(metadata && { metadata }),
  }
  return {
    type: 'review.opened',
    timestamp: decided_at,
    data: { id: reviewId, state: 'open', upload, action, reason_codes: recommendation.reason_codes, opened_at: decided_at },
  }
}

/** Asked for by a person who wants to see that an endpoint works. */
export function webhookTest(endpointId: string, now: Date): Event {
  return { type: 'webhook.test', timestamp: now.toISOString(), data: { endpoint_id: endpointId } }
}
