import type { Session } from './api-types.ts'

export type SessionState =
  | { kind: 'unknown' }
  | { kind: 'unreachable'; error: unknown }
  | { kind: 'signed-out'; expired: boolean; error?: unknown }
  | { kind: 'signed-in'; session: Session }
  /** Pages have gone, and what they give back is on its way. */
  | { kind: 'signing-out'; session: Session }
