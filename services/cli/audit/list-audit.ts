import { type AuditRow, showAudit } from '../../core/domain/audit.ts'
import { type AuditFilter, listAudit } from '../../core/infra/audit-log.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import type { Env } from '../settings.ts'
import { textTable } from '../text-table.ts'
import { withDatabase } from '../with-database.ts'
import { writeOutput } from '../write-output.ts'

export type ListAuditOptions = Pick<AuditFilter, 'tenant' | 'action' | 'subject'> & { limit: number; json?: boolean }

/** Prints the newest rows of the audit log, of every tenant unless one is named. Throws AppError `invalid-config` or `store-unavailable`. */
export async function listAuditRows({ limit, json, ...filter }: ListAuditOptions, env: Env): Promise<ExitCode> {
  const rows = await withDatabase(env, 'the audit log is', (database) => listAudit(database, filter, limit))
  if (json) await writeOutput(`${JSON.stringify(rows.map(showAudit), undefined, 2)}\n`)
  else await writeOutput(textTable(HEADER, rows.map(cellsOf)))
  return EXIT.ok
}

const HEADER = ['SEQ', 'AT', 'TENANT', 'BY', 'ACTION', 'SUBJECT', 'DETAILS']

function cellsOf({ seq, at, tenant, actor, action, subject, details }: AuditRow): string[] {
  return [String(seq), at, tenant, `${actor.kind} ${actor.id} (${actor.name})`, action, subject, details === '{}' ? '' : details]
}
