import { v7 as uuidv7 } from 'uuid'
import { buildDecision, type Conclusion, type Decision } from '../domain/decision.ts'
import { type Event, reviewOpened, uploadDecided } from '../domain/events.ts'
import type { Database, Statement } from './database.ts'
import { DELIVERIES_CHANNEL } from './delivery-queue.ts'
import type { ClaimedUpload } from './upload-store.ts'

/** The channel on which the ids of decided uploads are announced. */
export const DECIDED_CHANNEL = 'pixwarden_decided'

/**
 * One statement, and so one transaction and one round trip: all of it happens for the one that finds the upload pending, nothing for others.
 * Events go to the webhooks that are there at this moment.
 */
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
      SELECT event.id, tenant, type, concluded.id, body, $8
      FROM concluded, unnest($13::uuid[], $14::text[], $15::text[]) AS event(id, type, body)
      RETURNING id, tenant, type
    ), delivery AS (
      INSERT INTO deliveries (tenant, event_id, endpoint_id)
      SELECT tenant, event.id, endpoint.id FROM event JOIN webhook_endpoints AS endpoint USING (tenant)
      WHERE state = 'enabled' AND (event_types = '{}' OR type = ANY (event_types))
      RETURNING 1
    )
    SELECT pg_notify('${DECIDED_CHANNEL}', id::text), (SELECT pg_notify('${DELIVERIES_CHANNEL}', '') FROM delivery LIMIT 1)
    FROM concluded`,
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
  const kept = upload.keepImage === false ? [] : embeddings
  const reviewId = uuidv7()
  const events = eventsOf(buildDecision(upload, conclusion, decidedAt), reviewId)
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
    kept.map(({ view }) => view),
    kept.map(({ embedding }) => bytesOf(embedding)),
    reviewId,
    events.map(() => uuidv7()),
    events.map(({ type }) => type),
    events.map((event) => JSON.stringify(event)),
  ])
  return rowCount === 1
}

/** A review is opened for whatever is not approved. */
function eventsOf(decision: Decision, reviewId: string): Event[] {
  const decided = uploadDecided(decision)
  return decision.action === 'approve' ? [decided] : [decided, reviewOpened(reviewId, decision)]
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
