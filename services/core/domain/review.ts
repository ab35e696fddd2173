import { AppError } from './errors.ts'

/** Why a review is open: what a policy found, or somebody who was not content. */
export const REVIEW_ORIGINS = ['decision', 'report', 'appeal'] as const
export type ReviewOrigin = (typeof REVIEW_ORIGINS)[number]

export const REVIEW_STATES = ['open', 'claimed', 'resolved'] as const

/** What a person makes of an upload. */
export const RULINGS = ['approve', 'reject'] as const
export type RulingAction = (typeof RULINGS)[number]
export type Ruling = { action: RulingAction; reasonCode: string; note?: string | undefined }

/** Two requests are by the same reviewer when the ids are equal. */
export type Reviewer = { id: string; name: string }

/** A review in somebody's hands, until its lease ends. */
export type Claim = { by: Reviewer; since: Date; until: Date }

/** `since` is when whoever resolved it had claimed it, if that came first; `eventId` is of the event that tells of it. */
export type Resolution = Ruling & { by: Reviewer; at: Date; undoUntil: Date; since?: Date | undefined; eventId: string }

export type ReviewState = { kind: 'open' } | { kind: 'claimed'; claim: Claim } | { kind: 'resolved'; resolution: Resolution }

const OPEN: ReviewState = { kind: 'open' }

/** A claim whose lease has ended is none. */
export function stateAt(state: ReviewState, now: Date): ReviewState {
  return state.kind === 'claimed' && state.claim.until <= now ? OPEN : state
}

/** For whoever it is not held by; its holder's lease begins anew. Throws AppError `review-claimed` or `review-resolved`. */
export function claimed(state: ReviewState, by: Reviewer, now: Date, leaseMs: number): ReviewState {
  const held = heldBy(by, state, now)
  return { kind: 'claimed', claim: { by, since: held?.since ?? now, until: after(now, leaseMs) } }
}

/** Open for others. One that is open stays so. Throws AppError `review-claimed` for another's claim, or `review-resolved`. */
export function released(state: ReviewState, by: Reviewer, now: Date): ReviewState {
  heldBy(by, state, now)
  return OPEN
}

export type Resolving = { by: Reviewer; ruling: Ruling; now: Date; undoMs: number; eventId: string }

/** By its holder, or by anybody while it is open. Throws AppError `review-claimed` or `review-resolved`. */
export function resolved(state: ReviewState, { by, ruling, now, undoMs, eventId }: Resolving): ReviewState {
  const since = heldBy(by, state, now)?.since
  return { kind: 'resolved', resolution: { ...ruling, by, at: now, undoUntil: after(now, undoMs), since, eventId } }
}

/** Back in the hands of who resolved it. Throws AppError `undo-expired` for anybody else, or later. */
export function undone(state: ReviewState, by: Reviewer, now: Date, leaseMs: number): ReviewState {
  if (state.kind !== 'resolved' || state.resolution.by.id !== by.id || state.resolution.undoUntil <= now) throw undoExpired()
  return { kind: 'claimed', claim: { by, since: state.resolution.since ?? now, until: after(now, leaseMs) } }
}

export function undoExpired(): AppError {
  return new AppError('undo-expired', 'a resolution can be undone by who made it, for a short while')
}

/** What an appeal does: whoever has it in hand goes on. */
export function appealed(state: ReviewState): ReviewState {
  return state.kind === 'resolved' ? OPEN : state
}

/** What a report does: what a person has rejected already is not looked at again for it. */
export function reported(state: ReviewState): ReviewState {
  return state.kind === 'resolved' && state.resolution.action === 'reject' ? state : appealed(state)
}

/** The claim that `by` holds; undefined while nobody does. */
function heldBy(by: Reviewer, given: ReviewState, now: Date): Claim | undefined {
  const state = stateAt(given, now)
  if (state.kind === 'resolved') throw new AppError('review-resolved', 'the review is resolved')
  if (state.kind === 'open') return undefined
  const { claim } = state
  if (claim.by.id === by.id) return claim
  throw new AppError('review-claimed', `${claim.by.name} has claimed the review`, {
    details: { claim: { by: claim.by, expires_at: claim.until.toISOString() } },
  })
}

function after(now: Date, ms: number): Date {
  return new Date(now.getTime() + ms)
}
