import type { PolicyVerdict, RuleResult } from './decide.ts'
import type { Action } from './policy.ts'

/** What may make a review urgent, besides its age. */
export type ReviewFacts = {
  /** The machine's. */
  action: Action
  verdicts: PolicyVerdict[]
  reports: number
  appealed: boolean
}

/** Hours of head start. */
const REJECTED = 24
const FAR_ABOVE = 6
const UNCERTAIN = 6
const EACH_DOUBLING_OF_REPORTS = 6
const MOST_FOR_REPORTS = 36
const APPEALED = 12

/** A score is near its threshold within this share of it. */
const NEAR = 0.2

/**
 * A head start in hours, 0 or more: a review is handed out as one would be that has waited so much longer. So what is severe comes first, and nothing waits
 * for ever. A rejection counts for more than a flag, and so does a score that is far above its threshold; where the model is least certain, a person is
 * of most use; each doubling of the reports counts the same.
 */
export function priorityOf({ action, verdicts, reports, appealed }: ReviewFacts): number {
  const rules = verdicts.filter(({ mode }) => mode === 'enforce').flatMap((verdict) => verdict.rules)
  const hours =
    (action === 'reject' ? REJECTED : 0) +
    FAR_ABOVE * Math.max(0, ...rules.map(excess)) +
    UNCERTAIN * uncertainty(action, rules) +
    Math.min(EACH_DOUBLING_OF_REPORTS * Math.log2(1 + reports), MOST_FOR_REPORTS) +
    (appealed ? APPEALED : 0)
  return Math.round(hours * 100) / 100
}

/** What the most urgent first is by. It does not change while a review waits, for all age alike: hours of head start, less those from 1970 to `openedAt`. */
export function urgencyOf(priority: number, openedAt: Date): number {
  return priority - openedAt.getTime() / 3_600_000
}

/** How far a matched score is on its way from the threshold to 1, in [0, 1]. */
function excess({ matched, score, threshold }: RuleResult): number {
  if (!matched || score === undefined || threshold === undefined || threshold >= 1) return 0
  return Math.min(Math.max((score - threshold) / (1 - threshold), 0), 1)
}

/** In [0, 1]: 1 for a score at its threshold. What could not be judged at all is as uncertain as can be. */
function uncertainty(action: Action, rules: RuleResult[]): number {
  if (rules.length === 0) return action === 'approve' ? 0 : 1
  return Math.max(0, ...rules.map(nearness))
}

function nearness({ score, threshold, error }: RuleResult): number {
  if (score === undefined || threshold === undefined) return error === undefined ? 0 : 1
  const width = NEAR * Math.abs(threshold)
  return width === 0 ? 0 : Math.max(0, 1 - Math.abs(score - threshold) / width)
}
