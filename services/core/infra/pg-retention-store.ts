import type { Kysely } from 'kysely'
import { v7 as uuidv7 } from 'uuid'
import type { Database, Statement } from './database.ts'
import type { DueImage, RetentionStore } from './retention-store.ts'
import type { Tables } from './tables.ts'

const NEEDLESS: Statement = {
  name: 'needless-images',
  text: `
    SELECT id, blob_key AS "blobKey",
      CASE WHEN status = 'erased' THEN 'erased' WHEN action = 'approve' THEN 'approved' ELSE 'not-stored' END AS reason
    FROM uploads
    WHERE blob_key IS NOT NULL AND (status = 'erased' OR status = 'decided' AND (action = 'approve' OR NOT keep_image))
    ORDER BY decided_at LIMIT $1`,
}

/** A review is resolved after its decision, so that what was decided within the time to appeal need not be looked at. */
const EXPIRED: Statement = {
  name: 'expired-images',
  text: `
    SELECT id, blob_key AS "blobKey",
      CASE WHEN reviews.open > 0 THEN 'unreviewed' WHEN reviews.latest < $1 THEN 'reviewed' ELSE 'aged' END AS reason
    FROM uploads CROSS JOIN LATERAL (
      SELECT count(*) FILTER (WHERE state <> 'resolved') AS open, max(resolved_at) AS latest FROM reviews WHERE upload_id = uploads.id
    ) AS reviews
    WHERE blob_key IS NOT NULL AND status = 'decided' AND action <> 'approve' AND keep_image
      AND decided_at < greatest($1::timestamptz, $2::timestamptz)
      AND (decided_at < $2 OR reviews.open = 0 AND reviews.latest < $1)
    ORDER BY decided_at LIMIT $3`,
}

const ORPHANS: Statement = {
  name: 'orphans',
  text: `
    SELECT key FROM unnest($1::text[], $2::timestamptz[]) AS blob(key, modified_at)
    WHERE modified_at > (SELECT min(applied_at) FROM migrations)
      AND NOT EXISTS (SELECT FROM uploads WHERE id = split_part(key, '/', 2)::uuid AND blob_key = key)`,
}

/** Whoever has read the feed up to before an event that is gone must be told so. An erased upload's are not missed. */
const MOVE_HORIZON = `
  UPDATE feed_horizon SET xid = latest.xid FROM (SELECT xid FROM unread ORDER BY xid DESC LIMIT 1) AS latest WHERE feed_horizon.xid < latest.xid`

const DELETE_RECORDS: Statement = {
  name: 'delete-records',
  text: `
    WITH old AS (
      SELECT id FROM uploads WHERE id < $1 AND status IN ('decided', 'erased') AND blob_key IS NULL ORDER BY id LIMIT $2
    ), unread AS (
      SELECT xid FROM events WHERE upload_id IN (SELECT id FROM old)
    ), horizon AS (${MOVE_HORIZON}
    ), gone AS (
      DELETE FROM uploads WHERE id IN (SELECT id FROM old) RETURNING 1
    )
    SELECT count(*)::int FROM gone`,
}

const DELETE_PASSING_EVENTS: Statement = {
  name: 'delete-passing-events',
  text: `
    WITH old AS (
      SELECT id FROM events WHERE type NOT IN ('upload.decided', 'review.opened', 'review.resolved') AND created_at < $1
      ORDER BY created_at LIMIT $2
    ), gone AS (
      DELETE FROM events WHERE id IN (SELECT id FROM old) RETURNING type, xid
    ), unread AS (
      SELECT xid FROM gone WHERE type <> 'webhook.test'
    ), horizon AS (${MOVE_HORIZON}
    )
    SELECT count(*)::int FROM gone`,
}

export function createPgRetentionStore({ kysely, run }: Database): RetentionStore {
  async function count(statement: Statement, values: unknown[]): Promise<number> {
    const { rows } = await run<{ count: number }>(statement, values)
    return rows[0]?.count ?? 0
  }

  return {
    async needless({ limit }) {
      return (await run<DueImage>(NEEDLESS, [limit])).rows
    },

    async expired({ resolvedBefore, decidedBefore, limit }) {
      return (await run<DueImage>(EXPIRED, [resolvedBefore, decidedBefore, limit])).rows
    },

    async imagesDeleted(ids) {
      if (ids.length > 0) await kysely.transaction().execute((transaction) => forgetImages(transaction, ids))
    },

    async imagesExpired(ids) {
      if (ids.length === 0) return
      await kysely.transaction().execute(async (transaction) => {
        await forgetImages(transaction, ids)
        await transaction.deleteFrom('embeddings').where('upload_id', 'in', ids).execute()
      })
    },

    async deleteEmbeddings({ before, limit }) {
      const old = kysely
        .selectFrom('embeddings')
        .select(['upload_id', 'model_revision', 'view'])
        .where('upload_id', '<', firstIdOf(before))
        .orderBy('upload_id')
        .limit(limit)
      const { numDeletedRows } = await kysely
        .deleteFrom('embeddings')
        .where(({ eb, refTuple }) =>
          eb(refTuple('upload_id', 'model_revision', 'view'), 'in', old.$asTuple('upload_id', 'model_revision', 'view')),
        )
        .executeTakeFirst()
      return Number(numDeletedRows)
    },

    deleteRecords: ({ before, limit }) => count(DELETE_RECORDS, [firstIdOf(before), limit]),

    deletePassingEvents: ({ before, limit }) => count(DELETE_PASSING_EVENTS, [before, limit]),

    async orphansAmong(blobs) {
      if (blobs.length === 0) return []
      const { rows } = await run<{ key: string }>(ORPHANS, [
        blobs.map(({ key }) => key),
        blobs.map(({ modifiedAt }) => modifiedAt),
      ])
      return rows.map(({ key }) => key)
    },
  }
}

/** In this order: once a row says that its bytes are gone, nobody can ask for anything more to be made of them. */
async function forgetImages(transaction: Kysely<Tables>, ids: string[]): Promise<void> {
  await transaction.updateTable('uploads').set({ blob_key: null }).where('id', 'in', ids).execute()
  await transaction.deleteFrom('image_tasks').where('upload_id', 'in', ids).execute()
}

/** The ids of uploads are in the order in which they came (UUID version 7): this is the lowest that one can have that came at `moment`. */
function firstIdOf(moment: Date): string {
  return uuidv7({ msecs: moment.getTime(), seq: 0, random: new Uint8Array(16) })
}
