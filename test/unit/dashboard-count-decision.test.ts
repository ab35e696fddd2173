import { expect, test } from 'vitest'
import { countDecision, type Decided } from '../../services/api/dashboard/overview/count-decision.ts'
import type { Overview } from '../../services/core/domain/overview.ts'

const AT = '2026-11-24T12:00:00.000Z'
const overview: Overview = {
  window: '1h',
  from: '2026-11-24T11:00:00.000Z',
  to: AT,
  bucket_seconds: 60,
  sampled: false,
  totals: { received: 5, decided: 4, approve: 3, flag: 1, reject: 0, undecodable: 0 },
  pending: { count: 1, oldest_seconds: 2 },
  throughput_per_minute: 1,
  latency_ms: {},
  reviews: { open: 1, claimed: 0, resolved: 0, upheld: 0, overturned: 0 },
  series: [
    { at: '2026-11-24T11:58:00.000Z', approve: 3, flag: 0, reject: 0 },
    { at: '2026-11-24T11:59:00.000Z', approve: 0, flag: 1, reject: 0 },
  ],
  policies: [
    {
      id: 'weapons',
      mode: 'enforce',
      approve: 3,
      flag: 1,
      reject: 0,
      series: [{ at: '2026-11-24T11:59:00.000Z', flag: 1, reject: 0 }],
    },
  ],
}
const decided: Decided = {
  action: 'flag',
  recommendation: { action: 'review', reason_codes: ['weapons'] },
  policies: [{ id: 'weapons', version: '1', mode: 'enforce', action: 'flag', rules: [] }],
  decided_at: '2026-11-24T12:00:01.000Z',
}

test('a decision that is heard of counts in the totals, in the latest bucket and for its policy', () => {
  const { totals, pending, series, policies } = countDecision(overview, decided)
  expect(totals).toMatchObject({ decided: 5, approve: 3, flag: 2, undecodable: 0 })
  expect(pending.count).toBe(0)
  expect(series.map(({ flag }) => flag)).toEqual([0, 2])
  expect(policies[0]).toMatchObject({ approve: 3, flag: 2, series: [{ flag: 2 }] })
})

test('one that the overview has already changes nothing', () => {
  expect(countDecision(overview, { ...decided, decided_at: AT })).toBe(overview)
})

test('what cannot be decoded counts as that too, and for no policy', () => {
  const undecodable = { ...decided, recommendation: { action: 'review' as const, reason_codes: ['undecodable'] }, policies: [] }
  const { totals, policies } = countDecision(overview, undecodable)
  expect(totals).toMatchObject({ flag: 2, undecodable: 1 })
  expect(policies).toEqual(overview.policies)
})
