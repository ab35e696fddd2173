import { createHash, randomBytes } from 'node:crypto'
import { sql, type Transaction } from 'kysely'
import { validate as isUuid, v7 as uuidv7 } from 'uuid'
import { type AuditActor, THE_SERVICE } from '../domain/audit.ts'
import { AppError } from '../domain/errors.ts'
import { isTenant } from '../domain/tenant.ts'
import type { ApiKey, ApiKeyStore } from './api-key-store.ts'
import { appendAudit } from './audit-log.ts'
import type { Database, Statement } from './database.ts'
import type { Tables } from './tables.ts'

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
      return kysely.transaction().execute(async (transaction) => {
        const { created_at: createdAt } = await transaction
          .insertInto('api_keys')
          .values({ ...key, key_hash: hash(secret) })
          .returning('created_at')
          .executeTakeFirstOrThrow()
        await appendAudit(transaction, { tenant, actor: by, action: 'key.create', subject: key.id, details: { name, scopes } })
        return { ...key, createdAt, secret }
      })
    },

    async verify(secret) {
      if (!SECRET.test(secret)) return undefined
      const { rows } = await run<ApiKey>(VERIFY, [hash(secret)])
      return rows[0]
    },

    async list(tenant) {
      let query = kysely
        .selectFrom('api_keys')
        .select(['id', 'tenant', 'name', 'scopes', 'created_at as createdAt', 'last_used_at'])
        .where('revoked_at', 'is', null)
        .orderBy('created_at')
      if (tenant !== undefined) query = query.where('tenant', '=', tenant)
      return (await query.execute()).map(({ last_used_at, ...key }) => ({ ...key, lastUsedAt: last_used_at ?? undefined }))
    },

    async revoke(id, by = THE_SERVICE) {
      if (!isUuid(id)) return false
      return kysely.transaction().execute((transaction) => revoke(transaction, id, by))
    },

    revokeOf: (tenant, id, by = THE_SERVICE) =>
      kysely.transaction().execute(async (transaction) => {
        // Locked, so that of two who revoke each other's key one finds the other's gone.
        const keys = await transaction
          .selectFrom('api_keys')
          .select(['id', 'scopes'])
          .where('tenant', '=', tenant)
          .where('revoked_at', 'is', null)
          .orderBy('id')
          .forUpdate()
          .execute()
        const admins = keys.filter(({ scopes }) => scopes.includes('admin'))
        if (admins.length === 1 && admins[0]?.id === id)
          throw new AppError('last-admin-key', 'this is the last admin key: make another one first')
        return keys.some((key) => key.id === id) && revoke(transaction, id, by)
      }),
  }
}

async function revoke(transaction: Transaction<Tables>, id: string, by: AuditActor): Promise<boolean> {
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
}

function hash(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
