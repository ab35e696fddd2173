import type { PolicyVerdict, RuleResult } from './decide.ts'
import { ACTIONS } from './policy.ts'

/** The rule that explains most: the most severe, and of these the one that is farthest above its threshold, or least below. */
export function tellingRule<R extends RuleResult>(rules: R[]): R | undefined {
  return [...rules].sort((a, b) => severity(b) - severity(a) || excess(b) - excess(a))[0]
}

/** Every rule's result with its policy's id. */
export function rulesOf(policies: PolicyVerdict[]): (RuleResult & { policy: string })[] {
  return policies.flatMap(({ id, rules }) => rules.map((rule) => ({ ...rule, policy: id })))
}

/** `0.930 ≥ 0.600`, or why there is no score. */
export function scoreText({ score, threshold, error }: Pick<RuleResult, 'score' | 'threshold' | 'error'>): string {
  if (score === undefined || threshold === undefined) return error ?? ''
  return `${score.toFixed(3)} ${score >= threshold ? '≥' : '<'} ${threshold.toFixed(3)}`
}

function severity({ action }: RuleResult): number {
  return ACTIONS.indexOf(action)
}

function excess({ score, threshold }: RuleResult): number {
  return score === undefined || threshold === undefined ? Number.POSITIVE_INFINITY : score - threshold
}
