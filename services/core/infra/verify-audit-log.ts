import type { Kysely } from 'kysely'
import type { AuditRow } from '../domain/audit.ts'
import { type AuditLink, CHAIN_START, followsInChain, hashAuditRow } from './audit-chain.ts'
import { selectAudit, toAuditRow } from './audit-log.ts'
import type { Database } from './database.ts'
import type { Tables } from './tables.ts'

/** What is wrong at row `seq`, the first that is not as it was appended. `lost-head`: the chain holds, but is not the one that ended, once, with the expected head. */
export type AuditFault =
  | { fault: 'edited' | 'removed' | 'inserted' | 'reordered'; seq: number }
  | { fault: 'lost-head'; rows: number; head: string }

export type AuditReport = { ok: true; rows: number; head: string } | ({ ok: false } & AuditFault)

const PAGE = 1000
/** How far behind its old place a row is recognised. */
const MOST_SHIFTED = 1000

/**
 * Reads the whole chain as it is at one moment, and tells the first row that does not belong. Whoever can write all of the database can also make the
 * whole chain anew: against that, `expectHead` is a head that an earlier run printed, and that was kept elsewhere.
 */
export function verifyAuditLog(
  { kysely }: Database,
  { expectHead }: { expectHead?: string | undefined } = {},
): Promise<AuditReport> {
  return kysely
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute((snapshot) => verify(snapshot, expectHead))
}

async function verify(snapshot: Kysely<Tables>, expectHead: string | undefined): Promise<AuditReport> {
  let before: AuditLink | undefined
  let last = CHAIN_START
  let expected = expectHead === undefined || expectHead === last.hash
  for await (const row of readRows(snapshot)) {
    if (!followsInChain(row, last))
      return { ok: false, ...explainBreak({ row, last, before, moved: await successor(snapshot, last) }) }
    expected ||= row.hash === expectHead
    before = last
    last = row
  }
  const { seq, hash: head } = await snapshot.selectFrom('audit_head').select(['seq', 'hash']).executeTakeFirstOrThrow()
  if (head !== last.hash || Number(seq) !== last.seq) return { ok: false, ...atEnd(last, Number(seq)) }
  if (!expected) return { ok: false, fault: 'lost-head', rows: last.seq, head }
  return { ok: true, rows: last.seq, head }
}

async function* readRows(snapshot: Kysely<Tables>): AsyncGenerator<AuditRow> {
  let after = '0'
  for (;;) {
    const rows = await selectAudit(snapshot).where('seq', '>', after).orderBy('seq').limit(PAGE).execute()
    for (const row of rows) yield toAuditRow(row)
    const end = rows.at(-1)
    if (!end) return
    after = end.seq
  }
}

/** The row that was appended after `last`, wherever it is now. */
async function successor(snapshot: Kysely<Tables>, last: AuditLink): Promise<AuditRow | undefined> {
  const rows = (await selectAudit(snapshot).where('prev_hash', '=', last.hash).execute()).map(toAuditRow)
  return rows.find((row) => wasAppendedAs(last.seq + 1, row))
}

type Break = {
  /** What comes instead of the row that was appended after `last`. */
  row: AuditRow
  last: AuditLink
  /** The one before `last`. */
  before: AuditLink | undefined
  /** The row that was appended after `last`, if it is still there. */
  moved: AuditRow | undefined
}

function explainBreak({ row, last, before, moved }: Break): AuditFault {
  const seq = last.seq + 1
  const isLaterRow = row.seq !== seq || hasSlipped(row, seq)
  if (moved) return { fault: isLaterRow ? 'reordered' : 'inserted', seq }
  // The row knows no predecessor but the one before the last, which must have come in between.
  if (before && row.prevHash === before.hash && wasAppendedAs(last.seq, row)) return { fault: 'inserted', seq: last.seq }
  if (isLaterRow) return { fault: 'removed', seq }
  // A whole row that follows another than the last: the last was edited, and its hash made to fit.
  const isWhole = wasAppendedAs(seq, row)
  return { fault: 'edited', seq: isWhole ? Math.max(last.seq, 1) : seq }
}

/** The rows make a chain, of another length or with another end than the log had. */
function atEnd(last: AuditLink, headSeq: number): AuditFault {
  if (headSeq > last.seq) return { fault: 'removed', seq: last.seq + 1 }
  return headSeq < last.seq ? { fault: 'inserted', seq: headSeq + 1 } : { fault: 'edited', seq: last.seq }
}

function wasAppendedAs(seq: number, row: AuditRow): boolean {
  return hashAuditRow({ ...row, seq }) === row.hash
}

/** Whether `row`, which is at `seq` now, was appended later. */
function hasSlipped(row: AuditRow, seq: number): boolean {
  return Array.from({ length: MOST_SHIFTED }, (_, i) => seq + 1 + i).some((later) => wasAppendedAs(later, row))
}
