import { createHash } from 'node:crypto'
import { type AuditRow, canonicalAuditText } from '../domain/audit.ts'

/** A place in the chain: a row's number and its hash. */
export type AuditLink = { seq: number; hash: string }

/** Before the first row. */
export const CHAIN_START: AuditLink = { seq: 0, hash: '0'.repeat(64) }

/** SHA-256, in hexadecimal digits, over the hash before the row, a line feed, and the row's canonical text. */
export function hashAuditRow(row: Omit<AuditRow, 'hash'>): string {
  return createHash('sha256')
    .update(`${row.prevHash}\n${canonicalAuditText(row)}`)
    .digest('hex')
}

/** Whether `row` is what was appended after `last`. */
export function followsInChain(row: AuditRow, last: AuditLink): boolean {
  return row.seq === last.seq + 1 && row.prevHash === last.hash && hashAuditRow(row) === row.hash
}
