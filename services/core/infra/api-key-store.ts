import type { Scope } from '../domain/scopes.ts'

export type ApiKey = { id: string; tenant: string; name: string; scopes: Scope[] }

/** API keys. Only their SHA-256 is stored; a key is shown once, when it is made. */
export interface ApiKeyStore {
  /** Throws AppError `invalid-request` for a tenant that cannot be called so. */
  create(key: { tenant: string; name: string; scopes: Scope[] }): Promise<ApiKey & { secret: string }>
  /** undefined for a secret that is unknown or revoked. */
  verify(secret: string): Promise<ApiKey | undefined>
  /** Those in force, oldest first. */
  list(): Promise<ApiKey[]>
  /** false when there is no key of that id in force. */
  revoke(id: string): Promise<boolean>
}
