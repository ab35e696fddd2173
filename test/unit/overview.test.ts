import { describe, expect, test } from 'vitest'
import { buildOverview, type OverviewCounts } from '../../services/core/domain/overview.ts'
import { OVERVIEW_WINDOWS, spanOf } from '../../services/core/domain/overview-span.ts'

const to = new Date('2026-03-04T10:17:30.500Z')
const HOURS = { '1h': 1, '24h': 24, '7d': 168, '30d': 720 }

describe('the span of a window', () => {
  test.each(OVERVIEW_WINDOWS)('of %s begins with a whole bucket, and ends in the last', (window) => {
    const { from, buckets, bucketSeconds, slices, sliceSeconds, slicesPerBucket } = spanOf(window, to)
    expect(from.getTime() % (bucketSeconds * 1000)).toBe(0)
    expect(buckets * bucketSeconds).toBe(HOURS[window] * 3600)
    expect(sliceSeconds * slicesPerBucket).toBe(bucketSeconds)
    const end = from.getTime() + buckets * bucketSeconds * 1000
    expect(end).toBeGreaterThan(to.getTime())
    expect(end - bucketSeconds * 1000).toBeLessThanOrEqual(to.getTime())
    const begun = from.getTime() + (slices - 1) * sliceSeconds * 1000
    expect(begun).toBeLessThanOrEqual(to.getTime())
    expect(begun + sliceSeconds * 1000).toBeGreaterThan(to.getTime())
  })

  test('that ends at the edge of a bucket begins a new one', () => {
    const { from, slices } = spanOf('1h', new Date('2026-03-04T10:00:00.000Z'))
    expect(from.toISOString()).toBe('2026-03-04T09:01:00.000Z')
    expect(slices).toBe(60)
  })
})

const nothing: OverviewCounts = {
  decided: { most: 100, slices: [] },
  latencies: [],
  undecodable: 0,
  pending: { count: 0, received: 0, oldestSeconds: undefined },
  reviews: { open: 0, claimed: 0, resolved: 0, upheld: 0, overturned: 0 },
  policies: { most: 100, judged: new Map(), found: new Map() },
}
const span = spanOf('24h', to)
const at = (slice: number, seconds: number) => new Date(span.from.getTime() + (slice * span.sliceSeconds + seconds) * 1000)

describe('an overview', () => {
  test('of nothing is all zeros', () => {
    const overview = buildOverview(span, nothing, new Map([['animals', 'shadow']]))
    expect(overview).toMatchObject({
      sampled: false,
      totals: { received: 0, decided: 0, approve: 0, flag: 0, reject: 0, undecodable: 0 },
      pending: { count: 0 },
      throughput_per_minute: 0,
      latency_ms: {},
      policies: [{ id: 'animals', mode: 'shadow', approve: 0, flag: 0, reject: 0 }],
    })
    expect(overview.series).toHaveLength(48)
    expect(overview.series[0]).toEqual({ at: span.from.toISOString(), approve: 0, flag: 0, reject: 0 })
  })

  test('adds slices up to buckets, and buckets up to totals', () => {
    const slice = (n: number, approve: number, flag: number, reject: number) => ({
      slice: n,
      read: approve + flag + reject,
      latest: at(n, 1),
      counts: { approve, flag, reject, received: approve },
    })
    const slices = [slice(0, 5, 1, 0), slice(1, 2, 0, 1), slice(95, 0, 3, 0)]
    const pending = { count: 9, received: 4, oldestSeconds: 12.5 }
    const overview = buildOverview(span, { ...nothing, decided: { most: 100, slices }, pending }, new Map())
    expect(overview.totals).toEqual({ received: 11, decided: 12, approve: 7, flag: 4, reject: 1, undecodable: 0 })
    expect(overview.series[0]).toMatchObject({ approve: 7, flag: 1, reject: 1 })
    expect(overview.series[47]).toMatchObject({ approve: 0, flag: 3, reject: 0 })
    expect(overview.pending).toEqual({ count: 9, oldest_seconds: 12.5 })
    expect(overview.sampled).toBe(false)
  })

  test('estimates a slice of which only the beginning was counted, and says so', () => {
    const slices = [
      { slice: 0, read: 100, latest: at(0, 90), counts: { approve: 90, flag: 10, reject: 0, received: 100 } },
      { slice: 2, read: 99, latest: at(2, 90), counts: { approve: 99, flag: 0, reject: 0, received: 99 } },
    ]
    const { series, totals, sampled } = buildOverview(span, { ...nothing, decided: { most: 100, slices } }, new Map())
    expect(sampled).toBe(true)
    expect(series[0]).toMatchObject({ approve: 900, flag: 100 })
    expect(series[1]).toMatchObject({ approve: 99 })
    expect(totals).toMatchObject({ decided: 1099, received: 1099 })
  })

  test('estimates a slice that is not over only up to now', () => {
    const slices = [{ slice: 94, read: 100, latest: at(94, 75), counts: { approve: 100, flag: 0, reject: 0, received: 100 } }]
    const now = spanOf('24h', at(94, 150))
    expect(buildOverview(now, { ...nothing, decided: { most: 100, slices } }, new Map()).totals.approve).toBe(200)
  })

  test('tells the times that decisions took within 1 %', () => {
    const binOf = (ms: number) => Math.floor(Math.log(ms) * 50)
    const latencies = [
      { bin: binOf(4000), count: 2 },
      { bin: binOf(20), count: 94 },
      { bin: binOf(300), count: 4 },
    ]
    const { p50 = 0, p95 = 0, p99 = 0 } = buildOverview(span, { ...nothing, latencies }, new Map()).latency_ms
    expect(p50 / 20).toBeCloseTo(1, 1.7)
    expect(p95 / 300).toBeCloseTo(1, 1.7)
    expect(p99 / 4000).toBeCloseTo(1, 1.7)
  })

  test('counts for each policy what it found, and as approved what else it judged; one that is gone is off', () => {
    const judged = new Map([
      ['animals', [{ slice: 3, read: 10, latest: at(3, 1), counts: { judged: 10 } }]],
      ['gone', [{ slice: 3, read: 1, latest: at(3, 1), counts: { judged: 1 } }]],
    ])
    const found = new Map([['animals', [{ slice: 3, read: 3, latest: at(3, 1), counts: { flag: 2, reject: 1 } }]]])
    const { policies } = buildOverview(
      span,
      { ...nothing, policies: { most: 100, judged, found } },
      new Map([['animals', 'enforce']]),
    )
    expect(policies).toMatchObject([
      { id: 'animals', mode: 'enforce', approve: 7, flag: 2, reject: 1 },
      { id: 'gone', mode: 'off', approve: 1, flag: 0, reject: 0 },
    ])
    expect(policies[0]?.series[1]).toMatchObject({ flag: 2, reject: 1 })
  })
})
