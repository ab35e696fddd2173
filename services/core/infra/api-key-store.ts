import type { AuditActor } from '../domain/audit.ts'
import type { Scope } from '../domain/scopes.ts'

export type ApiKey = { id: string; tenant: string; name: string; scopes: Scope[] }
/** `lastUsedAt` is right to the minute. */
export type ListedKey = ApiKey & { createdAt: Date; lastUsedAt: Date | undefined }

/** API keys. Only their SHA-256 is stored; a key is shown once, when it is made. The audit log says who made and who revoked it: the service itself unless `by` is given. */
export interface ApiKeyStore {
  /** Throws AppError `invalid-request` for a tenant that cannot be called so. */
  create(
    key: { tenant: string; name: string; scopes: Scope[] },
    by?: AuditActor,
  ): Promise<ApiKey & { secret: string; createdAt: Date }>
  /** undefined for a secret that is unknown or revoked. */
  verify(secret: string): Promise<ApiKey | undefined>
  /** Those in force, of one tenant or of all, oldest first. */
  list(tenant?: string): Promise<ListedKey[]>
  /** false when there is no key of that id in force. */
  revoke(id: string, by?: AuditActor): Promise<boolean>
  /** The same of a key of `tenant`, whom it does not lock out: throws AppError `last-admin-key` for the last of its admin keys. */
  revokeOf(tenant: string, id: string, by?: AuditActor): Promise<boolean>
}
