import type * as explain from '../../../core/domain/explain.ts'

export type ExplainedRule = explain.ExplainedRule & { policy: string; key: string }

/** Every rule of an explanation; those that matched come first. */
export function explainedRules(explanation: explain.Explanation): ExplainedRule[] {
  return explanation.policies
    .flatMap(({ id, rules }) => rules.map((rule) => ({ ...rule, policy: id, key: `${id}/${rule.id}` })))
    .toSorted((a, b) => Number(b.matched) - Number(a.matched) || (b.score ?? 0) - (a.score ?? 0))
}
