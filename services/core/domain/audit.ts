/** Everything that is written down when a person or a key does it. */
export type AuditAction =
  | 'key.create'
  | 'key.revoke'
  | 'session.link'
  | 'session.start'
  | 'upload.erase'
  | 'review.resolve'
  | 'review.undo'
  | 'review.report'
  | 'review.appeal'
  | 'queue.save'
  | 'queue.delete'
  | 'webhook.create'
  | 'webhook.update'
  | 'webhook.delete'
  | 'webhook.rotate-secret'
  | 'webhook.test'
  | 'webhook.redeliver'

/** Who did something: an API key, a person who is signed in, whoever ran a command, or this service by itself. */
export type AuditActor = { kind: 'key' | 'person' | 'cli' | 'system'; id: string; name: string }

export const THE_SERVICE: AuditActor = { kind: 'system', id: 'pixwarden', name: 'pixwarden' }

/** An action and what it was done to. What can be erased on request, such as names and reasons that people wrote, has no place in `details`. */
export type AuditEntry = {
  tenant: string
  actor: AuditActor
  action: AuditAction
  /** The id of what it was done to. */
  subject: string
  details?: Record<string, unknown>
}

/** A row of the log. `at` has microseconds, in UTC; `details` is the JSON text that was stored; the hashes are SHA-256 in hexadecimal digits. */
export type AuditRow = Omit<AuditEntry, 'action' | 'details'> & {
  seq: number
  at: string
  action: string
  details: string
  prevHash: string
  hash: string
}

/** What the hash of a row is over, besides the row's hash before it: one text for each row, and no two rows with the same. */
export function canonicalAuditText({
  seq,
  at,
  tenant,
  actor,
  action,
  subject,
  details,
}: Omit<AuditRow, 'prevHash' | 'hash'>): string {
  return JSON.stringify([seq, at, tenant, actor.kind, actor.id, actor.name, action, subject, details])
}

/** A row as callers are shown it. */
export type AuditView = Omit<AuditRow, 'details' | 'prevHash'> & { details: Record<string, unknown>; prev_hash: string }

export function showAudit({ seq, at, tenant, actor, action, subject, details, prevHash, hash }: AuditRow): AuditView {
  return { seq, at, tenant, actor, action, subject, details: JSON.parse(details), prev_hash: prevHash, hash }
}
