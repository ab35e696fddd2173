import { rulesOf, scoreText, tellingRule } from '../../core/domain/telling-rule.ts'
import { textTable } from '../text-table.ts'
import { writeOutput } from '../write-output.ts'
import type { Reporter } from './reporter.ts'
import type { FailedFile, JudgedFile } from './scan-result.ts'
import { summaryOf } from './tally.ts'

const HEADER = ['ACTION', 'FILE', 'POLICY/RULE', 'SCORE', 'PROMPT']
const GROUPS = ['reject', 'flag', 'error', 'approve'] as const
type Row = { group: (typeof GROUPS)[number]; cells: string[] }

/** A table at the end, what was rejected or flagged first. Only its text is kept until then. */
export function tableReporter(): Reporter {
  const rows: Row[] = []
  return {
    streams: false,
    async add({ result }) {
      rows.push(...rowsOf(result))
    },
    async finish(tally, { interrupted }) {
      const sorted = GROUPS.flatMap((wanted) => rows.filter(({ group }) => group === wanted)).map(({ cells }) => cells)
      if (sorted.length > 0) await writeOutput(`${textTable(HEADER, sorted)}\n`)
      await writeOutput(`${summaryOf(tally)}${interrupted ? '\ninterrupted: not every file was judged' : ''}\n`)
    },
  }
}

/** A row for every policy that did not approve; for an approved file the rule that came nearest, then what matched in shadow. */
function rowsOf(result: JudgedFile | FailedFile): Row[] {
  const { file } = result
  if ('error' in result) {
    const { code, message } = result.error
    return [{ group: 'error', cells: ['error', file, '', code, message] }]
  }
  const group = result.action
  const enforced = result.policies.filter(({ mode }) => mode === 'enforce')
  const reasons = enforced.filter(({ action }) => action !== 'approve')
  const shadows = result.policies.filter(({ mode, action }) => mode === 'shadow' && action !== 'approve')
  return [
    ...(reasons.length === 0
      ? [ruleCells(file, 'approve', enforced)]
      : reasons.map((verdict) => ruleCells(file, verdict.action, [verdict]))),
    ...shadows.map((verdict) => ruleCells(file, `(${verdict.action})`, [verdict])),
  ].map((cells) => ({ group, cells }))
}

function ruleCells(file: string, action: string, policies: JudgedFile['policies']): string[] {
  const rule = tellingRule(rulesOf(policies))
  if (!rule) return [action, file, '', '', '']
  return [action, file, `${rule.policy}/${rule.id}`, scoreText(rule), rule.prompt ?? '']
}
