import type { AuditActor } from '../domain/audit.ts'
import type { ApiKey } from './api-key-store.ts'

/** A person who is signed in by a key. The session ends at `expiresAt`, and before when it is not used or its key is revoked. */
export type Session = { key: ApiKey; name: string; expiresAt: Date }

/** With the token that is the session; it is shown once, and only its SHA-256 is stored. */
export type NewSession = Session & { token: string }

/** Who is signed in. Every method throws AppError `store-unavailable` when PostgreSQL is out of reach. */
export interface SessionStore {
  /** Signs a person in, under a token that nobody had before; undefined when the key is not in force. */
  start(person: { keyId: string; name: string }): Promise<NewSession | undefined>
  /** The same by a link, which is used up then; undefined when it is unknown, used or too old. */
  startByLink(link: string): Promise<NewSession | undefined>
  /** undefined when it is unknown, has ended, or its key is revoked. That it was used is remembered, except by `peek`. */
  verify(token: string): Promise<Session | undefined>
  peek(token: string): Promise<Session | undefined>
  end(token: string): Promise<void>
  /** A token that signs a person in once, within ten minutes. The service itself makes it unless `by` is given. Throws AppError `not-found` when the key is not in force. */
  createLink(person: { keyId: string; name: string }, by?: AuditActor): Promise<string>
}
