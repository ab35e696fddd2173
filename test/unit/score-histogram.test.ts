import { describe, expect, test } from 'vitest'
import { scoreHistogram } from '../../services/core/domain/score-histogram.ts'

const counted = (kind: Parameters<typeof scoreHistogram>[0], ...bins: number[]) =>
  scoreHistogram(
    kind,
    bins.map((bin) => ({ bin, count: 1 })),
  )

describe('a histogram of scores', () => {
  test('has forty buckets from 0 to 1, and a score of 1 in the last', () => {
    const buckets = counted('softmax', 0, 9, 10, 399, 400)
    expect(buckets).toHaveLength(40)
    expect(buckets[0]).toEqual({ from: 0, to: 0.025, count: 2 })
    expect(buckets[1]).toEqual({ from: 0.025, to: 0.05, count: 1 })
    expect(buckets[39]).toEqual({ from: 0.975, to: 1, count: 2 })
  })

  test('is there without any score', () => {
    expect(counted('sigmoid').map(({ count }) => count)).toEqual(new Array(40).fill(0))
    expect(counted('cosine')).toEqual([])
  })

  test.each(['cosine', 'margin'] as const)('has the range of the scores of a %s, below 0 too', (kind) => {
    const buckets = counted(kind, -80, -80, 0, 40)
    expect(buckets).toHaveLength(40)
    expect(buckets[0]).toEqual({ from: -0.2, to: -0.19, count: 2 })
    expect(buckets.reduce((sum, { count }) => sum + count, 0)).toBe(4)
    expect(buckets.at(-1)?.to).toBeGreaterThan(0.1)
    for (const [index, { to }] of buckets.entries()) expect(buckets[index + 1]?.from ?? to).toBe(to)
  })

  test('counts each score once, however narrow the range', () => {
    expect(counted('margin', 7, 7, 7).filter(({ count }) => count > 0)).toEqual([{ from: 0.0175, to: 0.02, count: 3 }])
  })
})
