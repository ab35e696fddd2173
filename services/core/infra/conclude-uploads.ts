import { v7 as uuidv7 } from 'uuid'
import { buildDecision, type Conclusion, type Decision } from '../domain/decision.ts'
import { hasCode } from '../domain/errors.ts'
import { type Event, reviewOpened, uploadDecided } from '../domain/events.ts'
import { priorityOf, urgencyOf } from '../domain/review-priority.ts'
import { signBits } from '../domain/vector.ts'
import type { Database, Statement } from './database.ts'
import { DELIVERIES_CHANNEL } from './delivery-queue.ts'
import { storableText } from './storable-text.ts'
import type { ClaimedUpload, UploadStore } from './upload-store.ts'

/** The channel on which the ids of decided uploads are announced. */
export const DECIDED_CHANNEL = 'pixwarden_decided'

/**
 * One statement, and so one transaction and one round trip for all uploads that are concluded at this moment: everything happens for
 * those that are found pending, nothing for others. Events go to the webhooks that are there at this moment.
 * $1 is a JSON array of what `rowOf` gives, $2 the vectors of all, one after the other.
 */
const CONCLUDE: Statement = {
  name: 'conclude-uploads',
  text: `
    WITH concluded AS (
      UPDATE uploads SET status = 'decided', action = given.action, detail = given.detail, model_id = given.model_id,
        reason_codes = ARRAY (SELECT json_array_elements_text(given.reason_codes)),
        model_revision = given.model_revision, timings = given.timings, decided_at = given.decided_at
      FROM json_to_recordset($1) AS given(id uuid, action text, reason_codes json, detail text, model_id text, model_revision text,
        timings json, decided_at timestamptz, review_id uuid, priority float8, urgency float8,
        verdicts json, vectors json, events json)
      WHERE uploads.id = given.id AND status = 'pending'
      RETURNING uploads.id, tenant, source, uploads.reason_codes, given.action, given.model_id, given.model_revision,
        given.decided_at, review_id, priority, urgency, verdicts, vectors, events
    ), verdict AS (
      INSERT INTO decisions (upload_id, policy_id, tenant, decided_at, version, model_id, mode, action, rules)
      SELECT concluded.id, verdict.id, tenant, decided_at, version, model_id, mode, verdict.action, rules
      FROM concluded, json_to_recordset(verdicts) AS verdict(id text, version text, mode text, action text, rules json)
    ), vector AS (
      INSERT INTO embeddings (upload_id, tenant, model_id, model_revision, view, vector, sign)
      SELECT id, tenant, model_id, model_revision, view, substring($2::bytea FROM start + 1 FOR length), sign::bit varying
      FROM concluded, json_to_recordset(vectors) AS vector(view text, start int, length int, sign text)
    ), review AS (
      INSERT INTO reviews (id, upload_id, tenant, source, policies, priority, urgency, opened_at)
      SELECT review_id, id, tenant, source, reason_codes, priority, urgency, decided_at
      FROM concluded WHERE action <> 'approve'
    ), event AS (
      INSERT INTO events (id, tenant, type, upload_id, body, created_at)
      SELECT event.id, tenant, type, concluded.id, body, decided_at
      FROM concluded, json_to_recordset(events) AS event(id uuid, type text, body text)
      RETURNING id, tenant, type
    ), delivery AS (
      INSERT INTO deliveries (tenant, event_id, endpoint_id)
      SELECT tenant, event.id, endpoint.id FROM event JOIN webhook_endpoints AS endpoint USING (tenant)
      WHERE state = 'enabled' AND (event_types = '{}' OR type = ANY (event_types))
      RETURNING 1
    )
    SELECT id, pg_notify('${DECIDED_CHANNEL}', id::text), (SELECT pg_notify('${DELIVERIES_CHANNEL}', '') FROM delivery LIMIT 1)
    FROM concluded`,
}

type Concluding = { upload: ClaimedUpload; conclusion: Conclusion }
type Waiting = Concluding & { resolve: (decided: boolean) => void; reject: (error: unknown) => void }

/**
 * See `UploadStore.conclude`. The images of a batch come out of the model together: their conclusions are written together, with one
 * commit for all. When that fails for another reason than a database out of reach, each is tried alone, so that none suffers for others.
 */
export function createConcluder(database: Database, now: () => Date): UploadStore['conclude'] {
  let waiting: Waiting[] = []

  async function flush(): Promise<void> {
    const batch = firstOfEach(waiting)
    waiting = waiting.filter((each) => !batch.includes(each))
    if (waiting.length > 0) setImmediate(flush)
    const error = await write(batch)
    if (error === undefined) return
    const alone = batch.length > 1 && !hasCode(error, 'store-unavailable')
    for (const each of batch) {
      const failure = alone ? await write([each]) : error
      if (failure !== undefined) each.reject(failure)
    }
  }

  /** Resolves to what went wrong. */
  async function write(batch: Waiting[]): Promise<unknown> {
    try {
      const decided = await concludeAll(database, batch, now())
      for (const { upload, resolve } of batch) resolve(decided.has(upload.id))
      return undefined
    } catch (error) {
      return error
    }
  }

  return (upload, conclusion) =>
    new Promise((resolve, reject) => {
      waiting.push({ upload, conclusion, resolve, reject })
      if (waiting.length === 1) setImmediate(flush)
    })
}

/** Two conclusions of one upload go into two statements, of which the first wins. */
function firstOfEach(waiting: Waiting[]): Waiting[] {
  return [...new Map(waiting.toReversed().map((each) => [each.upload.id, each])).values()].reverse()
}

/** Resolves to the ids of those that were pending. */
async function concludeAll(database: Database, batch: Concluding[], decidedAt: Date): Promise<Set<string>> {
  const vectors: Buffer[] = []
  let end = 0
  const place = (view: string, embedding: Float32Array) => {
    const bytes = bytesOf(embedding)
    const start = end
    vectors.push(bytes)
    end += bytes.length
    return { view, start, length: bytes.length, sign: signBits(embedding) }
  }
  const rows = batch.map(({ upload, conclusion }) => ({
    ...rowOf(upload, withStorableDetail(conclusion), decidedAt),
    vectors: upload.keepImage === false ? [] : conclusion.embeddings.map(({ view, embedding }) => place(view, embedding)),
  }))
  const result = await database.run<{ id: string }>(CONCLUDE, [JSON.stringify(rows), Buffer.concat(vectors)])
  return new Set(result.rows.map(({ id }) => id))
}

function rowOf(upload: ClaimedUpload, conclusion: Conclusion, decidedAt: Date) {
  const { action, reasonCodes, verdicts, model, detail, timings } = conclusion
  const reviewId = uuidv7()
  const priority = priorityOf({ action, verdicts, reports: 0, appealed: false })
  const events = eventsOf(buildDecision(upload, conclusion, decidedAt), reviewId)
  return {
    id: upload.id,
    action,
    reason_codes: reasonCodes,
    detail,
    model_id: model?.id,
    model_revision: model?.revision,
    timings,
    decided_at: decidedAt,
    review_id: reviewId,
    priority,
    urgency: urgencyOf(priority, decidedAt),
    verdicts,
    events: events.map((event) => ({ id: uuidv7(), type: event.type, body: JSON.stringify(event) })),
  }
}

/** A review is opened for whatever is not approved. */
function eventsOf(decision: Decision, reviewId: string): Event[] {
  const decided = uploadDecided(decision)
  return decision.action === 'approve' ? [decided] : [decided, reviewOpened(reviewId, decision)]
}

function withStorableDetail(conclusion: Conclusion): Conclusion {
  const { detail } = conclusion
  return detail === undefined ? conclusion : { ...conclusion, detail: storableText(detail) }
}

/** Little-endian, as every processor is that Node runs on here. */
function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength)
}
