import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { auroc, performanceAt, proportion, thresholdAt } from '../../services/core/domain/calibrate.ts'
import { share } from '../support/arbitrary.ts'

const scores = fc.array(share, { minLength: 1, maxLength: 60 })
const counts = fc.nat({ max: 500 }).chain((of) => fc.tuple(fc.nat({ max: of }), fc.constant(of)))

describe('a proportion', () => {
  test.each([
    [0, 10, 0, 0.2775],
    [5, 10, 0.2366, 0.7634],
    [81, 263, 0.2553, 0.3662],
    [7, 7, 0.6457, 1],
  ])('of %d in %d has the interval that is published for it', (count, of, low, high) => {
    const found = proportion(count, of)
    expect(found).toMatchObject({ count, of, share: count / of })
    expect(found.low).toBeCloseTo(low, 4)
    expect(found.high).toBeCloseTo(high, 4)
  })

  test('lies within its interval, and the interval within 0 and 1', () => {
    fc.assert(
      fc.property(counts, ([count, of]) => {
        const { share: found, low, high } = proportion(count, of)
        expect(low).toBeGreaterThanOrEqual(0)
        expect(high).toBeLessThanOrEqual(1)
        if (of > 0) expect([low, found, high]).toEqual([low, found, high].sort((a, b) => a - b))
      }),
    )
  })

  test('of no cases says nothing', () => {
    expect(proportion(0, 0)).toEqual({ count: 0, of: 0, share: Number.NaN, low: 0, high: 1 })
  })
})

test('a score that equals the threshold counts as matched, as it does in a rule', () => {
  const found = performanceAt(0.5, [0.4, 0.5, 0.9], [0.1, 0.5, 0.2, 0.3])
  expect(found.recall).toMatchObject({ count: 2, of: 3 })
  expect(found.precision).toMatchObject({ count: 2, of: 3 })
  expect(found.falsePositiveRate).toMatchObject({ count: 1, of: 4 })
})

describe('a threshold at a rate of false positives', () => {
  test('keeps to the rate, and one step lower would not', () => {
    fc.assert(
      fc.property(
        scores,
        fc.double({ min: 0, max: 0.9, noNaN: true }),
        fc.integer({ min: 1, max: 4 }),
        (negatives, rate, decimals) => {
          const threshold = thresholdAt(rate, negatives, decimals)
          const matched = (at: number) => negatives.filter((score) => score >= at).length
          const step = Math.round(threshold * 10 ** decimals)
          expect(step / 10 ** decimals).toBe(threshold)
          expect(matched(threshold)).toBeLessThanOrEqual(rate * negatives.length)
          expect(matched((step - 1) / 10 ** decimals)).toBeGreaterThan(Math.floor(rate * negatives.length))
        },
      ),
    )
  })

  test('lies above a score that it must not match, where decimals are no binary fractions', () => {
    expect(thresholdAt(0, [0.29])).toBe(0.3)
    expect(thresholdAt(0, [0.07])).toBe(0.08)
    expect(thresholdAt(0, [-0.05])).toBe(-0.04)
  })

  test('needs negatives', () => {
    expect(() => thresholdAt(0.01, [])).toThrow(RangeError)
  })
})

describe('the area under the ROC curve', () => {
  test('is the share of pairs in which the positive scores higher, ties counting half', () => {
    const few = fc.array(fc.constantFrom(0, 0.25, 0.5, 1), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(few, few, (positives, negatives) => {
        const pairs = positives.flatMap((p) => negatives.map((n) => (p > n ? 1 : p === n ? 0.5 : 0)))
        expect(auroc(positives, negatives)).toBeCloseTo(pairs.reduce((sum: number, won) => sum + won, 0) / pairs.length, 12)
      }),
    )
  })

  test('is no number without positives or negatives', () => {
    expect(auroc([], [0.1])).toBeNaN()
    expect(auroc([0.1], [])).toBeNaN()
  })
})
