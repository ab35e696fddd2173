import { v7 as uuidv7 } from 'uuid'
import { buildDecision, type Conclusion } from '../domain/decision.ts'
import { uploadDecided } from '../domain/events.ts'
import type { Database, Statement } from './database.ts'
import type { ClaimedUpload } from './upload-store.ts'

/** The channel on which the ids of decided uploads are announced. */
export const DECIDED_CHANNEL = 'pixwarden_decided'

/** One statement, and so one transaction and one round trip: all of it happens for the one that finds the upload pending, nothing for others. */
const CONCLUDE: Statement = {
  name: 'conclude-upload',
  text: `
    WITH concluded AS (
      UPDATE uploads SET status = 'decided', action = $2, reason_codes = $3, detail = $4, model_id = $5, model_revision = $6,
        timings = $7, decided_at = $8
      WHERE id = $1 AND status = 'pending'
      RETURNING id, tenant
    ), verdicts AS (
      INSERT INTO decisions (upload_id, policy_id, tenant, decided_at, version, model_id, mode, action, rules)
      SELECT concluded.id, verdict.id, tenant, $8, version, $5, mode, action, rules
      FROM concluded, json_to_recordset($9) AS verdict(id text, version text, mode text, action text, rules json)
    ), vectors AS (
      INSERT INTO embeddings (upload_id, model_id, model_revision, view, vector)
      SELECT id, $5, $6, view, vector FROM concluded, unnest($10::text[], $11::bytea[]) AS embedding(view, vector)
    ), review AS (
      INSERT INTO reviews (id, upload_id, tenant, opened_at)
      SELECT $12, id, tenant, $8 FROM concluded WHERE $2 <> 'approve'
    ), event AS (
      INSERT INTO events (id, tenant, type, upload_id, body, created_at)
      SELECT $13, tenant, $14, id, $15, $8 FROM concluded
    )
    SELECT pg_notify('${DECIDED_CHANNEL}', id::text) FROM concluded`,
}

/** See `UploadStore.conclude`. */
export async function concludeUpload(
  database: Database,
  upload: ClaimedUpload,
  given: Conclusion,
  decidedAt: Date,
): Promise<boolean> {
  const conclusion = withStorableDetail(given)
  const { action, reasonCodes, verdicts, model, detail, embeddings, timings } = conclusion
  const event = uploadDecided(buildDecision(upload, conclusion, decidedAt))
  const { rowCount } = await database.run(CONCLUDE, [
    upload.id,
    action,
    reasonCodes,
    detail,
    model?.id,
    model?.revision,
    JSON.stringify(timings),
    decidedAt,
    JSON.stringify(verdicts),
    embeddings.map(({ view }) => view),
    embeddings.map(({ embedding }) => bytesOf(embedding)),
    uuidv7(),
    uuidv7(),
    event.type,
    JSON.stringify(event),
  ])
  return rowCount === 1
}

/** PostgreSQL stores neither NUL nor half a surrogate pair. */
const UNSTORABLE = /[\0\p{Surrogate}]/gu

/** A decoder's words may quote the file. */
function withStorableDetail(conclusion: Conclusion): Conclusion {
  const { detail } = conclusion
  return detail === undefined ? conclusion : { ...conclusion, detail: detail.replace(UNSTORABLE, '\ufffd') }
}

/** Little-endian, as every processor is that Node runs on here. */
function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength)
}
