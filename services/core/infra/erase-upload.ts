import { sql } from 'kysely'
import { validate as isUuid } from 'uuid'
import type { AuditActor } from '../domain/audit.ts'
import { appendAudit } from './audit-log.ts'
import { DECIDED_CHANNEL } from './conclude-uploads.ts'
import type { Database } from './database.ts'

/** Everything that describes the image or comes from the platform. What the outcome was stays, to be counted. */
const NOTHING_LEFT = {
  source: null,
  external_id: null,
  uploader: null,
  metadata: null,
  sha256: '',
  mime: '',
  width: null,
  height: null,
  byte_size: 0,
  detail: null,
  timings: null,
}

/** Deliveries go with their events, so that nothing of the upload is sent any more. */
const ABOUT_UPLOADS = ['decisions', 'embeddings', 'reviews', 'reports', 'events', 'image_tasks'] as const

export type Erasure = { tenant: string; id: string; by: AuditActor; now: Date }

/** See `UploadStore.erase`. The row is locked first: a worker that concludes at this moment has either written everything that is deleted here, or writes nothing. */
export async function eraseUpload(
  { kysely }: Database,
  { tenant, id, by, now }: Erasure,
): Promise<{ blobKey: string | undefined } | undefined> {
  if (!isUuid(id)) return undefined
  return kysely.transaction().execute(async (transaction) => {
    const upload = await transaction
      .selectFrom('uploads')
      .select(['status', 'blob_key'])
      .where('id', '=', id)
      .where('tenant', '=', tenant)
      .forUpdate()
      .executeTakeFirst()
    if (!upload) return undefined
    const left = { blobKey: upload.blob_key ?? undefined }
    if (upload.status === 'erased') return left
    await transaction
      .updateTable('uploads')
      .set({ ...NOTHING_LEFT, status: 'erased', erased_at: now })
      .where('id', '=', id)
      .execute()
    for (const table of ABOUT_UPLOADS) await transaction.deleteFrom(table).where('upload_id', '=', id).execute()
    // Whoever waits for the decision looks again.
    await sql`SELECT pg_notify(${DECIDED_CHANNEL}, ${id})`.execute(transaction)
    await appendAudit(transaction, { tenant, actor: by, action: 'upload.erase', subject: id })
    return left
  })
}
