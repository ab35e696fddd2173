import type { AuditActor } from '../domain/audit.ts'
import type { Scope } from '../domain/scopes.ts'

export type ApiKey = { id: string; tenant: string; name: string; scopes: Scope[] }

/** API keys. Only their SHA-256 is stored; a key is shown once, when it is made. The audit log says who made and who revoked it: the service itself unless `by` is given. */
export interface ApiKeyStore {
  /** Throws AppError `invalid-request` for a tenant that cannot be called so. */
  create(key: { tenant: string; name: string; scopes: Scope[] }, by?: AuditActor): Promise<ApiKey & { secret: string }>
  /** undefined for a secret that is unknown or revoked. */
  verify(secret: string): Promise<ApiKey | undefined>
  /** Those in force, oldest first. */
  list(): Promise<ApiKey[]>
  /** false when there is no key of that id in force. */
  revoke(id: string, by?: AuditActor): Promise<boolean>
}
