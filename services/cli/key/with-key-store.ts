import type { ApiKeyStore } from '../../core/infra/api-key-store.ts'
import { createPgApiKeyStore } from '../../core/infra/pg-api-key-store.ts'
import type { Env } from '../settings.ts'
import { withDatabase } from '../with-database.ts'

/** Runs `work` on the keys of the database that commands use. Throws AppError `invalid-config` when there is none, `store-unavailable`. */
export function withKeyStore<T>(env: Env, work: (keys: ApiKeyStore) => Promise<T>): Promise<T> {
  return withDatabase(env, 'keys are', (database) => work(createPgApiKeyStore(database)))
}
