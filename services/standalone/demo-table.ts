import type { RuleResult } from '../core/domain/decide.ts'
import type { Decision } from '../core/domain/decision.ts'
import { ACTIONS } from '../core/domain/policy.ts'
import type { Submission } from './submit-samples.ts'

const HEADER = ['file', 'action', 'policy', 'rule', 'score', 'ms']

/** One line a file, with the rule that decided it; for an approved one, the rule that came nearest. */
export function demoTable(submissions: Submission[]): string {
  const rows = [HEADER, ...submissions.map(rowOf)]
  const widths = HEADER.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return `${lines.join('\n')}\n`
}

function rowOf(submission: Submission): string[] {
  const { file, elapsedMs } = submission
  if ('problem' in submission) return [file, 'none', '', '', submission.problem, elapsedMs.toFixed(0)]
  const { decision } = submission
  const telling = tellingRule(decision)
  return [
    file,
    decision.action,
    telling?.policy ?? '',
    telling?.id ?? '',
    telling ? scoreText(telling) : (decision.detail ?? ''),
    elapsedMs.toFixed(0),
  ]
}

/** Of the enforced policies' rules the most severe, and of these the one with the highest score for its threshold. */
function tellingRule({ policies }: Decision): (RuleResult & { policy: string }) | undefined {
  const rules = policies
    .filter(({ mode }) => mode === 'enforce')
    .flatMap((policy) => policy.rules.map((rule) => ({ ...rule, policy: policy.id })))
  return rules.sort((a, b) => ACTIONS.indexOf(b.action) - ACTIONS.indexOf(a.action) || reach(b) - reach(a))[0]
}

function reach({ score = 0, threshold = 1 }: RuleResult): number {
  return score / threshold
}

function scoreText({ score, threshold, error }: RuleResult): string {
  if (score === undefined || threshold === undefined) return error ?? ''
  return `${score.toFixed(2)} ${score >= threshold ? '≥' : '<'} ${threshold.toFixed(2)}`
}
