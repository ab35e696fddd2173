import type { ApiKey, ApiKeyStore } from '../core/infra/api-key-store.ts'
import type { Session, SessionStore } from '../core/infra/session-store.ts'
import { createVerifier, type Verifier } from './verify-secret.ts'

/** What requests prove themselves with: API keys by the secret, sessions by the token in their cookie. */
export type Credentials = { keys: Verifier<ApiKey>; sessions: Verifier<Session> & Pick<SessionStore, 'peek'> }

export type CredentialStores = { keys: Pick<ApiKeyStore, 'verify'>; sessions: Pick<SessionStore, 'verify' | 'peek'> }

/** A session that has ended never comes back, and pages that do not know yet go on asking. */
const ENDED_SESSION_MS = 60_000

/** Each process remembers for itself what it has verified, and counts failures of keys and of sessions apart: a forgotten page keeps no key out. */
export function createCredentials({ keys, sessions }: CredentialStores): Credentials {
  return {
    keys: createVerifier((secret) => keys.verify(secret)),
    sessions: {
      ...createVerifier((token) => sessions.verify(token), { wrongForMs: ENDED_SESSION_MS }),
      peek: (token) => sessions.peek(token),
    },
  }
}
