import { rulesOf, scoreText, tellingRule } from '../core/domain/telling-rule.ts'
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
  const telling = tellingRule(rulesOf(decision.policies.filter(({ mode }) => mode === 'enforce')))
  return [
    file,
    decision.action,
    telling?.policy ?? '',
    telling?.id ?? '',
    telling ? scoreText(telling) : (decision.detail ?? ''),
    elapsedMs.toFixed(0),
  ]
}
