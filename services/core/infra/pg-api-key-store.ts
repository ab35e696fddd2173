import { createHash, randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { validate as isUuid, v7 as uuidv7 } from 'uuid'
import { THE_SERVICE } from '../domain/audit.ts'
import { AppError } from '../domain/errors.ts'
import { isTenant } from '../domain/tenant.ts'
import type { ApiKey, ApiKeyStore } from './api-key-store.ts'
import { appendAudit } from './audit-log.ts'
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
    async create({ tenant, name, scopes }, by = THE_SERVICE) {
      if (!isTenant(tenant))
        throw new AppError('invalid-request', 'a tenant is called by letters, digits, _ . and -, and begins with neither . nor -')
      const secret = `pxw_${randomBytes(32).toString('base64url')}`
      const key: ApiKey = { id: uuidv7(), tenant, name, scopes }
      await kysely.transaction().execute(async (transaction) => {
        await transaction
          .insertInto('api_keys')
          .values({ ...key, key_hash: hash(secret) })
          .execute()
        await appendAudit(transaction, { tenant, actor: by, action: 'key.create', subject: key.id, details: { name, scopes } })
      })
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

    async revoke(id, by = THE_SERVICE) {
      if (!isUuid(id)) return false
      return kysely.transaction().execute(async (transaction) => {
        const revoked = await transaction
          .updateTable('api_keys')
          .set({ revoked_at: sql`now()` })
          .where('id', '=', id)
          .where('revoked_at', 'is', null)
          .returning(['tenant', 'name'])
          .executeTakeFirst()
        if (!revoked) return false
        const { tenant, name } = revoked
        await appendAudit(transaction, { tenant, actor: by, action: 'key.revoke', subject: id, details: { name } })
        return true
      })
    },
  }
}

function hash(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
