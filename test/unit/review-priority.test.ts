import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PolicyVerdict, RuleResult } from '../../services/core/domain/decide.ts'
import { priorityOf, type ReviewFacts, urgencyOf } from '../../services/core/domain/review-priority.ts'

const HOUR_MS = 3_600_000

const rule = (values: Partial<RuleResult>): RuleResult => ({ id: 'r', action: 'flag', matched: true, threshold: 0.6, ...values })
const verdict = (rules: RuleResult[], mode: PolicyVerdict['mode'] = 'enforce'): PolicyVerdict[] => [
  { id: 'p', version: 'v', mode, action: 'flag', rules },
]
const priority = (values: Partial<ReviewFacts>) =>
  priorityOf({ action: 'flag', verdicts: verdict([rule({ score: 0.8 })]), reports: 0, appealed: false, ...values })

describe('the priority of a review', () => {
  test('is higher for a rejection than for a flag, however far above its threshold that is', () => {
    const flag = priority({ verdicts: verdict([rule({ score: 1 })]) })
    expect(priority({ action: 'reject', verdicts: verdict([rule({ action: 'reject', score: 0.8 })]) })).toBeGreaterThan(flag)
  })

  test('is higher far above a threshold than half way, and higher right at it, where the model is uncertain', () => {
    const [at, between, far] = [0.6, 0.75, 0.99].map((score) => priority({ verdicts: verdict([rule({ score })]) })) as [
      number,
      number,
      number,
    ]
    expect(far).toBeGreaterThan(between)
    expect(at).toBeGreaterThan(between)
  })

  test('of what could not be judged is that of the most uncertain score', () => {
    const uncertain = priority({ verdicts: verdict([rule({ score: 0.6 })]) })
    expect(priority({ verdicts: [] })).toBe(uncertain)
    expect(priority({ verdicts: verdict([rule({ matched: false, error: 'no threshold', threshold: 0.6 })]) })).toBe(uncertain)
  })

  test('does not look at policies that only watch', () => {
    const watched = verdict([rule({ score: 0.99 })], 'shadow')
    expect(priority({ verdicts: [...verdict([rule({ score: 0.8 })]), ...watched] })).toBe(priority({}))
  })

  test('grows with each report, ever slower and not without end, and with an appeal', () => {
    const counts = [0, 1, 2, 4, 8, 1e3, 1e6].map((reports) => priority({ reports }))
    expect(counts.slice(0, 5)).toEqual([...new Set(counts.slice(0, 5))].sort((a, b) => a - b))
    expect((counts[2] ?? 0) - (counts[1] ?? 0)).toBeLessThan((counts[1] ?? 0) - (counts[0] ?? 0))
    expect(counts[6]).toBe(counts[5])
    expect(priority({ appealed: true })).toBeGreaterThan(priority({}))
  })

  test('is a finite number, 0 or more, whatever the scores and thresholds are', () => {
    const number = fc.double({ min: -2, max: 2, noNaN: true })
    fc.assert(
      fc.property(number, number, fc.boolean(), fc.nat(), fc.boolean(), (score, threshold, matched, reports, appealed) => {
        const hours = priority({ verdicts: verdict([rule({ score, threshold, matched })]), reports, appealed })
        expect(hours).toBeGreaterThanOrEqual(0)
        expect(hours).toBeLessThan(100)
      }),
    )
  })
})

describe('the order of the queue', () => {
  const at = new Date('2026-06-30T12:00:00Z')
  const earlier = (hours: number) => new Date(at.getTime() - hours * HOUR_MS)

  test('has a review with a head start first, and one that has waited longer than that before it', () => {
    expect(urgencyOf(24, at)).toBeGreaterThan(urgencyOf(0, earlier(23)))
    expect(urgencyOf(24, at)).toBeLessThan(urgencyOf(0, earlier(25)))
  })

  test('tells moments apart that are a millisecond apart', () => {
    expect(urgencyOf(3.21, new Date(at.getTime() - 1))).toBeGreaterThan(urgencyOf(3.21, at))
  })
})
