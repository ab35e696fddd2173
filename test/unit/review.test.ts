import { describe, expect, test } from 'vitest'
import { hasCode } from '../../services/core/domain/errors.ts'
import {
  appealed,
  claimed,
  type ReviewState,
  released,
  reported,
  resolved,
  stateAt,
  undone,
} from '../../services/core/domain/review.ts'

const ANN = { id: 'k-1', name: 'Ann' }
const BEN = { id: 'k-2', name: 'Ben' }
const LEASE_MS = 300_000
const UNDO_MS = 30_000
const START = new Date('2026-06-30T12:00:00Z')
const later = (ms: number) => new Date(START.getTime() + ms)

const OPEN: ReviewState = { kind: 'open' }
const ANNS = claimed(OPEN, ANN, START, LEASE_MS)
const resolve = (state: ReviewState, by = ANN, now = START, action: 'approve' | 'reject' = 'approve') =>
  resolved(state, { by, ruling: { action, reasonCode: 'fine' }, now, undoMs: UNDO_MS, eventId: 'e-1' })
const RESOLVED = resolve(ANNS, ANN, later(5000))

/** The code of the AppError that `work` throws. */
function refusal(work: () => unknown): string | undefined {
  try {
    work()
  } catch (error) {
    if (hasCode(error, 'review-claimed', 'review-resolved', 'undo-expired')) return error.code
    throw error
  }
  return undefined
}

describe('a claim', () => {
  test('keeps a review from everybody else until its lease ends, and then is none', () => {
    expect(refusal(() => claimed(ANNS, BEN, later(LEASE_MS - 1), LEASE_MS))).toBe('review-claimed')
    expect(refusal(() => resolve(ANNS, BEN, later(LEASE_MS - 1)))).toBe('review-claimed')
    expect(stateAt(ANNS, later(LEASE_MS - 1))).toBe(ANNS)
    expect(stateAt(ANNS, later(LEASE_MS))).toEqual(OPEN)
    expect(claimed(ANNS, BEN, later(LEASE_MS), LEASE_MS)).toMatchObject({ claim: { by: BEN, since: later(LEASE_MS) } })
  })

  test('that is refused says whose it is, and until when', () => {
    expect(() => claimed(ANNS, BEN, START, LEASE_MS)).toThrow(
      expect.objectContaining({ details: { claim: { by: ANN, expires_at: later(LEASE_MS).toISOString() } } }),
    )
  })

  test('is renewed by its holder, who has had it since the first time', () => {
    expect(claimed(ANNS, ANN, later(60_000), LEASE_MS)).toEqual({
      kind: 'claimed',
      claim: { by: ANN, since: START, until: later(60_000 + LEASE_MS) },
    })
  })

  test('is given up by its holder alone', () => {
    expect(released(ANNS, ANN, START)).toEqual(OPEN)
    expect(refusal(() => released(ANNS, BEN, START))).toBe('review-claimed')
    expect(released(OPEN, BEN, START)).toEqual(OPEN)
  })
})

describe('a resolution', () => {
  test('ends a review once: nobody claims, releases or resolves it again', () => {
    for (const by of [ANN, BEN]) {
      expect(refusal(() => claimed(RESOLVED, by, START, LEASE_MS))).toBe('review-resolved')
      expect(refusal(() => released(RESOLVED, by, START))).toBe('review-resolved')
      expect(refusal(() => resolve(RESOLVED, by))).toBe('review-resolved')
    }
  })

  test('is possible for what is open, and tells since when its maker had it if he had', () => {
    expect(resolve(OPEN, BEN)).toMatchObject({ resolution: { by: BEN, since: undefined } })
    expect(RESOLVED).toMatchObject({ resolution: { by: ANN, since: START, at: later(5000), undoUntil: later(5000 + UNDO_MS) } })
  })

  test('is undone by its maker alone, in time, who then has the review again', () => {
    const inTime = later(5000 + UNDO_MS - 1)
    expect(undone(RESOLVED, ANN, inTime, LEASE_MS)).toMatchObject({ kind: 'claimed', claim: { by: ANN, since: START } })
    expect(refusal(() => undone(RESOLVED, BEN, inTime, LEASE_MS))).toBe('undo-expired')
    expect(refusal(() => undone(RESOLVED, ANN, later(5000 + UNDO_MS), LEASE_MS))).toBe('undo-expired')
    expect(refusal(() => undone(ANNS, ANN, START, LEASE_MS))).toBe('undo-expired')
  })
})

describe('a review is opened again', () => {
  test('by an appeal whatever was resolved, and by a report unless a person has rejected the upload already', () => {
    const rejected = resolve(OPEN, ANN, START, 'reject')
    expect(appealed(RESOLVED)).toEqual(OPEN)
    expect(appealed(rejected)).toEqual(OPEN)
    expect(reported(RESOLVED)).toEqual(OPEN)
    expect(reported(rejected)).toBe(rejected)
  })

  test('but not taken out of the hands of who works on it', () => {
    expect(appealed(ANNS)).toBe(ANNS)
    expect(reported(ANNS)).toBe(ANNS)
  })
})
