import type { Scope } from '../../../core/domain/scopes.ts'

/** What GET /v1/keys lists. */
export type ApiKey = { id: string; name: string; scopes: Scope[]; created_at: string; last_used_at?: string; current: boolean }
