import { type AuditReport, verifyAuditLog } from '../../core/infra/verify-audit-log.ts'
import { counted } from '../counted.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import type { Env } from '../settings.ts'
import { withDatabase } from '../with-database.ts'
import { writeOutput } from '../write-output.ts'

export type VerifyAuditOptions = { expectHead?: string; json?: boolean }

/** Checks the chain of the audit log. Exit code 1 when a row does not belong. Throws AppError `invalid-config` or `store-unavailable`. */
export async function verifyAudit({ expectHead, json }: VerifyAuditOptions, env: Env): Promise<ExitCode> {
  const report = await withDatabase(env, 'the audit log is', (database) => verifyAuditLog(database, { expectHead }))
  await writeOutput(json ? `${JSON.stringify(report, undefined, 2)}\n` : `${describe(report)}\n`)
  return report.ok ? EXIT.ok : EXIT.found
}

function describe(report: AuditReport): string {
  if (report.ok) return `${counted(report.rows, 'row')}, each as it was written\nhead ${report.head}`
  switch (report.fault) {
    case 'edited':
      return `row ${report.seq} was edited`
    case 'removed':
      return `row ${report.seq} was removed`
    case 'inserted':
      return `row ${report.seq} was put in afterwards`
    case 'reordered':
      return `row ${report.seq} was moved: another is in its place`
    case 'lost-head':
      return `the expected head is none of this log's: rows were cut off its end, or it was made anew\n${counted(report.rows, 'row')}\nhead ${report.head}`
  }
}
