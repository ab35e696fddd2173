import { createHash, randomBytes } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import { type AuditEntry, THE_SERVICE } from '../domain/audit.ts'
import { AppError } from '../domain/errors.ts'
import { personOf } from '../domain/person.ts'
import type { ApiKey } from './api-key-store.ts'
import { appendAudit } from './audit-log.ts'
import type { Database, Statement } from './database.ts'
import type { NewSession, Session, SessionStore } from './session-store.ts'
import type { Tables } from './tables.ts'

/** Whatever happens. */
const ENDS_AFTER = sql.raw<Date>(`now() + interval '12 hours'`)
/** Without a request. */
const IDLE = "interval '2 hours'"
const LINK_ENDS_AFTER = sql.raw<Date>(`now() + interval '10 minutes'`)

/** Tokens of our making; others need no query. */
const TOKEN = /^[\w-]{43}$/

const FIND = `
  SELECT sessions.token_hash, sessions.name, sessions.expires_at, api_keys.id, api_keys.tenant, api_keys.name AS key_name, api_keys.scopes
  FROM sessions JOIN api_keys ON api_keys.id = sessions.key_id
  WHERE sessions.token_hash = $1 AND api_keys.revoked_at IS NULL AND expires_at > now() AND seen_at > now() - ${IDLE}`

const PEEK: Statement = { name: 'peek-session', text: FIND }

/** That a session was used is written once a minute at most. */
const VERIFY: Statement = {
  name: 'verify-session',
  text: `
    WITH found AS (${FIND}), seen AS (
      UPDATE sessions SET seen_at = now() FROM found
      WHERE sessions.token_hash = found.token_hash AND seen_at < now() - interval '1 minute'
    )
    SELECT * FROM found`,
}

type Found = { id: string; tenant: string; key_name: string; scopes: ApiKey['scopes']; name: string; expires_at: Date }
type Person = { keyId: string; name: string }

export function createPgSessionStore({ kysely, run }: Database): SessionStore {
  async function find(statement: Statement, token: string): Promise<Session | undefined> {
    if (!TOKEN.test(token)) return undefined
    const { rows } = await run<Found>(statement, [hash(token)])
    return rows[0] && toSession(rows[0])
  }

  return {
    start: (person) => kysely.transaction().execute((transaction) => start(transaction, person, 'key')),

    async startByLink(link) {
      if (!TOKEN.test(link)) return undefined
      return kysely.transaction().execute(async (transaction) => {
        const used = await transaction
          .deleteFrom('sign_in_links')
          .where('token_hash', '=', hash(link))
          .where('expires_at', '>', sql<Date>`now()`)
          .returning(['key_id', 'name'])
          .executeTakeFirst()
        return used && start(transaction, { keyId: used.key_id, name: used.name }, 'link')
      })
    },

    verify: (token) => find(VERIFY, token),
    peek: (token) => find(PEEK, token),

    async end(token) {
      await kysely.deleteFrom('sessions').where('token_hash', '=', hash(token)).execute()
    },

    createLink({ keyId, name }, by = THE_SERVICE) {
      return kysely.transaction().execute(async (transaction) => {
        const key = await keyInForce(transaction, keyId)
        if (!key) throw new AppError('not-found', `there is no key ${keyId} in force`)
        const link = newToken()
        await transaction.deleteFrom('sign_in_links').where('expires_at', '<', sql<Date>`now()`).execute()
        await transaction
          .insertInto('sign_in_links')
          .values({ token_hash: hash(link), key_id: keyId, name, expires_at: LINK_ENDS_AFTER })
          .execute()
        await appendAudit(transaction, { ...about(key), actor: by, action: 'session.link' })
        return link
      })
    },
  }
}

/** Old sessions go whenever somebody signs in: nothing else makes new ones. */
async function start(transaction: Kysely<Tables>, { keyId, name }: Person, by: 'key' | 'link'): Promise<NewSession | undefined> {
  const key = await keyInForce(transaction, keyId)
  if (!key) return undefined
  await transaction
    .deleteFrom('sessions')
    .where((eb) => eb.or([eb('expires_at', '<', sql<Date>`now()`), eb('seen_at', '<', sql.raw<Date>(`now() - ${IDLE}`))]))
    .execute()
  const token = newToken()
  const { expires_at: expiresAt } = await transaction
    .insertInto('sessions')
    .values({ token_hash: hash(token), key_id: keyId, name, expires_at: ENDS_AFTER })
    .returning('expires_at')
    .executeTakeFirstOrThrow()
  const session = { key, name, expiresAt }
  await appendAudit(transaction, { ...about(key), actor: personOf(session), action: 'session.start', details: { by } })
  return { ...session, token }
}

/** Its row is locked: it cannot be revoked before the transaction ends. */
async function keyInForce(transaction: Kysely<Tables>, id: string): Promise<ApiKey | undefined> {
  return transaction
    .selectFrom('api_keys')
    .select(['id', 'tenant', 'name', 'scopes'])
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .forShare()
    .executeTakeFirst()
}

function about({ tenant, id }: ApiKey): Pick<AuditEntry, 'tenant' | 'subject'> {
  return { tenant, subject: id }
}

function toSession({ id, tenant, key_name, scopes, name, expires_at }: Found): Session {
  return { key: { id, tenant, name: key_name, scopes }, name, expiresAt: expires_at }
}

function newToken(): string {
  return randomBytes(32).toString('base64url')
}

function hash(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
