import type { Decision } from '../../../core/domain/decision.ts'
import type { Overview } from '../../../core/domain/overview.ts'
import type { Action } from '../../../core/domain/policy.ts'

/** What the feed tells of a decision; enough of it to be counted. */
export type Decided = Pick<Decision, 'action' | 'recommendation' | 'policies' | 'decided_at'>

/**
 * The overview with one more decision, as it will be when it is read again: totals, what waits, and the latest bucket of each series. One that it has
 * already changes nothing: a feed that was away tells what came meanwhile.
 */
export function countDecision(overview: Overview, { action, recommendation, policies, decided_at }: Decided): Overview {
  if (decided_at <= overview.to) return overview
  const { totals, pending, series } = overview
  const undecodable = recommendation.reason_codes.includes('undecodable')
  const actionOf = new Map<string, Action>(policies.map(({ id, action: each }) => [id, each]))
  return {
    ...overview,
    totals: {
      ...totals,
      decided: totals.decided + 1,
      [action]: totals[action] + 1,
      undecodable: totals.undecodable + (undecodable ? 1 : 0),
    },
    pending: { ...pending, count: Math.max(0, pending.count - 1) },
    series: withLatest(series, action),
    policies: overview.policies.map((policy) => {
      const its = actionOf.get(policy.id)
      if (its === undefined) return policy
      return {
        ...policy,
        [its]: policy[its] + 1,
        series: its === 'approve' ? policy.series : withLatest(policy.series, its),
      }
    }),
  }
}

function withLatest<Key extends string, Bucket extends Record<Key, number>>(series: Bucket[], action: Key): Bucket[] {
  const latest = series.at(-1)
  return latest ? [...series.slice(0, -1), { ...latest, [action]: latest[action] + 1 }] : series
}
