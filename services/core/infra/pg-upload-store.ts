import { sql } from 'kysely'
import { validate as isUuid } from 'uuid'
import { AppError } from '../domain/errors.ts'
import { canonicalPolicy } from '../domain/policy.ts'
import { createConcluder } from './conclude-uploads.ts'
import type { Database, Statement } from './database.ts'
import { eraseUpload } from './erase-upload.ts'
import { listDecisions } from './list-decisions.ts'
import {
  type ClaimedRow,
  DECISION_COLUMNS,
  erased,
  FACTS_COLUMNS,
  toClaimed,
  toView,
  type UploadRow,
  VERDICTS,
} from './upload-rows.ts'
import type { NewUpload, UploadStore } from './upload-store.ts'

const FACTS = FACTS_COLUMNS.join(', ')
const INSERTED =
  'id, tenant, source, external_id, uploader, metadata, sha256, mime, width, height, byte_size, blob_key, keep_image'

const INSERT: Statement = {
  name: 'insert-upload',
  text: `INSERT INTO uploads (${INSERTED}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
}

/** A key whose reservation lapsed may belong to another upload by now: then neither is written. */
const INSERT_WITH_KEY: Statement = {
  name: 'insert-upload-with-key',
  text: `
    WITH bound AS (
      INSERT INTO idempotency_keys AS held (tenant, key, upload_id, request_hash) VALUES ($2, $14, $1, $15)
      ON CONFLICT (tenant, key) DO UPDATE SET upload_id = $1, request_hash = $15, created_at = now() WHERE held.upload_id IS NULL
      RETURNING 1
    )
    INSERT INTO uploads (${INSERTED}) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13 FROM bound`,
}

const FIND: Statement = {
  name: 'find-upload',
  text: `SELECT ${FACTS}, ${DECISION_COLUMNS.join(', ')}, ${VERDICTS} AS verdicts, erased_at
    FROM uploads WHERE id = $1 AND tenant = $2`,
}

const CLAIM: Statement = {
  name: 'claim-upload',
  text: `UPDATE uploads SET attempts = attempts + 1 WHERE id = $1 AND status = 'pending' AND ($2::int IS NULL OR attempts <= $2)
    RETURNING ${FACTS}, tenant, blob_key, keep_image, attempts`,
}

const BACKLOG: Statement = {
  name: 'backlog-of-uploads',
  text: `SELECT count(*) FILTER (WHERE received_at <= now() - $1 * interval '1 millisecond')::int AS overdue,
      coalesce(greatest(extract(epoch FROM now() - min(received_at)), 0), 0)::float8 AS oldest_seconds
    FROM uploads WHERE status = 'pending'`,
}

/** `now` gives the time of decisions. */
export function createPgUploadStore(database: Database, { now = () => new Date() }: { now?: () => Date } = {}): UploadStore {
  const { kysely, run } = database
  const pending = kysely.selectFrom('uploads').where('status', '=', 'pending')
  const olderThan = (ms: number) => sql<Date>`now() - ${ms} * interval '1 millisecond'`

  return {
    async insert(upload, idempotency) {
      const values = valuesOf(upload)
      if (!idempotency) return void (await run(INSERT, values))
      const { rowCount } = await run(INSERT_WITH_KEY, [...values, idempotency.key, idempotency.requestHash])
      if (rowCount === 0)
        throw new AppError('idempotency-key-in-use', 'another request with this key has ended while this one was read')
    },

    async find(tenant, id) {
      if (!isUuid(id)) return undefined
      const [row] = (await run<UploadRow & { erased_at: Date | null }>(FIND, [id, tenant])).rows
      if (row?.erased_at) throw erased(row.erased_at)
      return row && toView(row)
    },

    async claim(id, mostAttempts) {
      const { rows } = await run<ClaimedRow>(CLAIM, [id, mostAttempts])
      return rows[0] && toClaimed(rows[0])
    },

    isPending: async (id) => (await pending.select('id').where('id', '=', id).execute()).length > 0,

    async unclaim(id) {
      await kysely
        .updateTable('uploads')
        .set(({ eb }) => ({ attempts: eb('attempts', '-', 1) }))
        .where('id', '=', id)
        .where('status', '=', 'pending')
        .where('attempts', '>', 0)
        .execute()
    },

    erase: (tenant, id, by) => eraseUpload(database, { tenant, id, by, now: now() }),

    conclude: createConcluder(database, now),

    async recordPolicyVersions(policies) {
      if (policies.length === 0) return
      const versions = policies.map((policy) => ({
        version: policy.version,
        policy_id: policy.id,
        body: canonicalPolicy(policy),
      }))
      await kysely
        .insertInto('policy_versions')
        .values(versions)
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    },

    listDecisions: (tenant, filter, page) => listDecisions(database, tenant, filter, page),

    async pendingIds({ olderThanMs, limit, after }) {
      const rows = await pending
        .select('id')
        .where('received_at', '<=', olderThan(olderThanMs))
        .$if(after !== undefined, (query) =>
          query.where(sql<boolean>`(received_at, id) > (SELECT received_at, id FROM uploads WHERE id = ${after})`),
        )
        .orderBy('received_at')
        .orderBy('id')
        .limit(limit)
        .execute()
      return rows.map(({ id }) => id)
    },

    async pendingCount({ olderThanMs }) {
      const { count } = await pending
        .select(({ fn }) => fn.countAll().as('count'))
        .where('received_at', '<=', olderThan(olderThanMs))
        .executeTakeFirstOrThrow()
      return Number(count)
    },

    async backlog({ overdueMs }) {
      const [row] = (await run<{ overdue: number; oldest_seconds: number }>(BACKLOG, [overdueMs])).rows
      return { overdue: row?.overdue ?? 0, oldestSeconds: row?.oldest_seconds ?? 0 }
    },
  }
}

function valuesOf(upload: NewUpload): unknown[] {
  const { id, tenant, source, externalId, uploader, metadata } = upload
  const { sha256, mime, width, height, byteSize, blobKey, keepImage = true } = upload
  return [id, tenant, source, externalId, uploader, metadata, sha256, mime, width, height, byteSize, blobKey, keepImage]
}
