import { describe, expect, test } from 'vitest'
import { barPlace, countTicks, powerShare, powerTicks } from '../../services/api/dashboard/charts/scale.ts'
import { stackBars, totalsOf } from '../../services/api/dashboard/charts/stack-bars.ts'
import { timeTicks } from '../../services/api/dashboard/charts/time-ticks.ts'

describe('an axis of counts', () => {
  test.each([
    [0, [0, 1]],
    [1, [0, 1]],
    [3, [0, 1, 2, 3]],
    [8, [0, 2, 4, 6, 8]],
    [19, [0, 5, 10, 15, 20]],
    [1234, [0, 500, 1000, 1500]],
  ])('for up to %d has round, whole steps that reach it', (max, ticks) => {
    expect(countTicks(max)).toEqual(ticks)
  })

  test.each([
    [0, [0, 1]],
    [3, [0, 1, 3]],
    [15, [0, 1, 10]],
    [170, [0, 1, 10, 100]],
    [4200, [0, 1, 10, 100, 1000, 4200]],
  ])('in powers of ten for up to %d', (max, ticks) => {
    expect(powerTicks(max)).toEqual(ticks)
  })

  test('in powers of ten shows one beside a thousand', () => {
    expect(powerShare(0, 1000)).toBe(0)
    expect(powerShare(1, 1000)).toBeGreaterThan(0.09)
    expect(powerShare(1000, 1000)).toBe(1)
  })
})

describe('bars', () => {
  test('fill the width in whole pixels and do not overlap', () => {
    const places = Array.from({ length: 48 }, (_, index) => barPlace(index, 48, 311))
    for (const [index, { x, width }] of places.entries()) {
      expect(Number.isInteger(x) && Number.isInteger(width) && width >= 1).toBe(true)
      expect(x + width).toBeLessThanOrEqual(places[index + 1]?.x ?? 311)
    }
  })

  test('stand on one another, the rejected at the base, and show what happened once among thousands', () => {
    const paths = stackBars([{ approve: 4000, flag: 1, reject: 1 }], { width: 10, height: 100, max: 4002 })
    expect(paths).toEqual({ reject: 'M0 100h9v-2h-9z', flag: 'M0 97h9v-2h-9z', approve: 'M0 94h9v-100h-9z' })
  })

  test('add up', () => {
    expect(
      totalsOf([
        { approve: 2, flag: 1 },
        { approve: 3, reject: 4 },
      ]),
    ).toEqual({ approve: 5, flag: 1, reject: 4 })
  })
})

describe('an axis of time', () => {
  const every = (minutes: number, count: number) =>
    Array.from({ length: count }, (_, index) => new Date(new Date(2026, 10, 24).getTime() + index * minutes * 60_000))

  test('has labels at round times of the clock, as many as there is room for', () => {
    expect(timeTicks(every(30, 48), 900).map(({ at }) => at.getHours())).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22])
    expect(timeTicks(every(30, 48), 300).map(({ at }) => at.getHours())).toEqual([0, 6, 12, 18])
  })

  test('names the day where one begins', () => {
    expect(timeTicks(every(180, 16), 900).map(({ unit }) => unit)).toContain('day')
    expect(timeTicks(every(1440, 30), 600).every(({ unit }) => unit === 'day')).toBe(true)
  })

  test('has none without a span', () => {
    expect(timeTicks([], 900)).toEqual([])
  })
})
