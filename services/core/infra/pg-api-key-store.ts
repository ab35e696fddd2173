import { createHash, randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { validate as isUuid, v7 as uuidv7 } from 'uuid'
import { AppError } from '../domain/errors.ts'
import { isTenant } from '../domain/tenant.ts'
import type { ApiKey, ApiKeyStore } from './api-key-store.ts'
import type { Database, Statement } from './database.ts'

/** Keys of our making; others need no query. */
const SECRET = /^pxw_[\w-]{43}$/

/** That a key was used is written once a minute at most: a write for every request would cost more than the request. */
const VERIFY: Statement = {
  name: 'verify-api-key',
  text: `
    WITH found AS (
      SELECT id, tenant, name, scopes FROM api_keys WHERE key_hash = $1 AND revoked_at IS NULL
    ), used AS (
      UPDATE api_keys SET last_used_at = now() FROM found
      WHERE api_keys.id = found.id AND coalesce(last_used_at < now() - interval '1 minute', true)
    )
    SELECT id, tenant, name, scopes FROM found`,
}

export function createPgApiKeyStore({ kysely, run }: Database): ApiKeyStore {
  return {
    async create({ tenant, name, scopes }) {
      if (!isTenant(tenant))
        throw new AppError('invalid-request', 'a tenant is called by letters, digits, _ . and -, and begins with neither . nor -')
      const secret = `pxw_${randomBytes(32).toString('base64url')}`
      const key: ApiKey = { id: uuidv7(), tenant, name, scopes }
      await kysely
        .insertInto('api_keys')
        .values({ ...key, key_hash: hash(secret) })
        .execute()
      return { ...key, secret }
    },

    async verify(secret) {
      if (!SECRET.test(secret)) return undefined
      const { rows } = await run<ApiKey>(VERIFY, [hash(secret)])
      return rows[0]
    },

    list: () =>
      kysely
        .selectFrom('api_keys')
        .select(['id', 'tenant', 'name', 'scopes'])
        .where('revoked_at', 'is', null)
        .orderBy('created_at')
        .execute(),

    async revoke(id) {
      if (!isUuid(id)) return false
      const revoked = await kysely
        .updateTable('api_keys')
        .set({ revoked_at: sql`now()` })
        .where('id', '=', id)
        .where('revoked_at', 'is', null)
        .executeTakeFirst()
      return revoked.numUpdatedRows === 1n
    },
  }
}

function hash(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
