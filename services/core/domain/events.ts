import type { Decision } from './decision.ts'
import type { Action } from './policy.ts'
import type { Reviewer, ReviewOrigin, ReviewState } from './review.ts'
import type { PastResolution, ReviewView } from './review-view.ts'

/** What a webhook can be subscribed to. */
export const EVENT_TYPES = ['upload.decided', 'review.opened', 'review.resolved'] as const
export type EventType = (typeof EVENT_TYPES)[number]

/** An event as webhooks and the feed carry it (Standard Webhooks, payload structure). Its text is frozen when it is stored. */
export type Event =
  | Payload<'upload.decided', Decision>
  | Payload<'review.opened', OpenedReview>
  | Payload<'review.resolved', ResolvedReview>
  | Payload<HandledType, HandledReview>
  | Payload<'webhook.test', { endpoint_id: string }>

type Payload<Type extends string, Data> = { type: Type; timestamp: string; data: Data }

/** What moderators see of each other's work, and webhooks do not carry. */
export type HandledType = 'review.claimed' | 'review.released' | 'review.reopened'

/** A review, and enough of its upload to find it on the platform's side; the decision has the rest. */
export type OpenedReview = {
  id: string
  state: 'open'
  origin: ReviewOrigin
  upload: { id: string; external_id?: string; source?: string; uploader?: string; metadata?: Record<string, unknown> }
  action: Action
  reason_codes: string[]
  opened_at: string
}

export type ResolvedReview = Omit<OpenedReview, 'state'> & { state: 'resolved'; resolution: PastResolution }

export type HandledReview = {
  id: string
  state: ReviewState['kind']
  upload: { id: string }
  claim?: { by: Reviewer; expires_at: string }
}

export function uploadDecided(decision: Decision): Event {
  return { type: 'upload.decided', timestamp: decision.decided_at, data: decision }
}

/** For the review that a decision opens. */
export function reviewOpened(reviewId: string, decision: Decision): Event {
  const { action, recommendation, decided_at } = decision
  const opened = { id: reviewId, origin: 'decision' as const, action, reason_codes: recommendation.reason_codes }
  return reviewOpenedAgainst({ ...opened, upload: decision, opened_at: decided_at })
}

/** For the review that a report or an appeal opens. */
export function reviewOpenedAgainst(review: Opened): Event {
  return { type: 'review.opened', timestamp: review.opened_at, data: { ...openedFields(review), state: 'open' } }
}

export function reviewResolved(review: ReviewView, { action, reason_code, note, by, at }: PastResolution): Event {
  const resolution = { action, reason_code, ...(note !== undefined && { note }), by, at }
  return { type: 'review.resolved', timestamp: at, data: { ...openedFields(review), state: 'resolved', resolution } }
}

export function reviewHandled(type: HandledType, { id, state, upload, claim }: ReviewView, now: Date): Event {
  const held = claim && { claim: { by: claim.by, expires_at: claim.expires_at } }
  return { type, timestamp: now.toISOString(), data: { id, state, upload: { id: upload.id }, ...held } }
}

type Opened = Omit<OpenedReview, 'state'>

function openedFields({ id, origin, upload, action, reason_codes, opened_at }: Opened): Opened {
  const { external_id, source, uploader, metadata } = upload
  const named = {
    id: upload.id,
    ...(external_id !== undefined && { external_id }),
    ...(source !== undefined && { source }),
    ...(uploader !== undefined && { uploader }),
    ...(metadata && { metadata }),
  }
  return { id, origin, upload: named, action, reason_codes, opened_at }
}

/** Asked for by a person who wants to see that an endpoint works. */
export function webhookTest(endpointId: string, now: Date): Event {
  return { type: 'webhook.test', timestamp: now.toISOString(), data: { endpoint_id: endpointId } }
}
