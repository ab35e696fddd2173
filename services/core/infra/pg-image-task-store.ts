import { validate as isUuid, v4 as uuid } from 'uuid'
import { AppError } from '../domain/errors.ts'
import type { Database, Statement } from './database.ts'
import {
  type ClaimedTask,
  IMAGE_TASKS_CHANNEL,
  IMAGE_TASKS_ENDED_CHANNEL,
  type ImageTask,
  type ImageTaskKind,
  type ImageTaskStore,
  type TaskProblem,
} from './image-task-store.ts'
import { storableText } from './storable-text.ts'

const IMAGE: Statement = {
  name: 'image-of-upload',
  text: `SELECT blob_key, mime, byte_size, status = 'decided' AS decided, erased_at FROM uploads WHERE id = $1 AND tenant = $2`,
}
type ImageRow = { blob_key: string | null; mime: string; byte_size: string; decided: boolean; erased_at: Date | null }

const FIND: Statement = {
  name: 'find-image-task',
  text: `
    SELECT state, image_tasks.mime, result, policy_versions, problem, image_tasks.detail,
      extract(epoch FROM now() - ended_at)::float8 * 1000 AS age_ms
    FROM image_tasks JOIN uploads ON id = upload_id
    WHERE upload_id = $1 AND tenant = $2 AND kind = $3 AND erased_at IS NULL AND (blob_key IS NOT NULL OR kind = 'explanation')`,
}
type FoundRow = {
  state: ImageTask['state']
  mime: string
  result: Buffer
  age_ms: number
  policy_versions: string | null
  problem: TaskProblem
  detail: string
}

/** The lock keeps the bytes from being marked as gone meanwhile: whoever marks them deletes the tasks that are there. */
const ASK: Statement = {
  name: 'ask-for-image-task',
  text: `
    WITH upload AS (
      SELECT id FROM uploads
      WHERE id = $1 AND tenant = $2 AND erased_at IS NULL
        AND (blob_key IS NOT NULL OR $3 = 'explanation' AND EXISTS (SELECT FROM embeddings WHERE upload_id = uploads.id))
      FOR SHARE
    ), asked AS (
      INSERT INTO image_tasks AS task (upload_id, kind) SELECT id, $3 FROM upload
      ON CONFLICT (upload_id, kind) DO UPDATE
        SET state = 'waiting', asked_at = now(), attempts = 0, ended_at = NULL, mime = NULL, result = NULL
        WHERE task.state = 'done' AND task.policy_versions <> $4 AND task.ended_at < now() - $5 * interval '1 millisecond'
      RETURNING 1
    )
    SELECT id, (SELECT pg_notify('${IMAGE_TASKS_CHANNEL}', $3) FROM asked) FROM upload`,
}

const CLAIM: Statement = {
  name: 'claim-image-task',
  text: `
    WITH due AS (
      SELECT upload_id, kind FROM image_tasks
      WHERE state = 'waiting' AND kind = ANY ($1) AND (leased_until IS NULL OR leased_until <= now())
      ORDER BY asked_at LIMIT 1 FOR UPDATE SKIP LOCKED
    ), leased AS (
      UPDATE image_tasks AS task SET attempts = attempts + 1, lease = $2, leased_until = now() + $3 * interval '1 millisecond',
        model_revision = $4
      FROM due WHERE task.upload_id = due.upload_id AND task.kind = due.kind
      RETURNING task.upload_id, task.kind, task.attempts
    )
    SELECT upload_id, kind, leased.attempts, blob_key, uploads.model_revision,
      (SELECT json_object_agg(policy_id, version) FROM decisions WHERE upload_id = uploads.id) AS versions
    FROM leased JOIN uploads ON id = upload_id`,
}
type ClaimedRow = {
  upload_id: string
  kind: ImageTaskKind
  attempts: number
  blob_key: string | null
  model_revision: string | null
  versions: Record<string, string> | null
}

const HELD = `upload_id = $1 AND kind = $2 AND lease = $3`
const FREE = `lease = NULL, leased_until = NULL`

const RENEW: Statement = {
  name: 'renew-image-task',
  text: `UPDATE image_tasks SET leased_until = now() + $4 * interval '1 millisecond' WHERE ${HELD}`,
}

const RELEASE: Statement = {
  name: 'release-image-task',
  text: `
    WITH released AS (
      UPDATE image_tasks SET ${FREE}, attempts = CASE WHEN $4 THEN attempts ELSE attempts - 1 END WHERE ${HELD} RETURNING kind
    )
    SELECT pg_notify('${IMAGE_TASKS_CHANNEL}', kind) FROM released`,
}

const COMPLETE: Statement = {
  name: 'complete-image-task',
  text: `
    WITH ended AS (
      UPDATE image_tasks SET ${FREE}, state = 'done', ended_at = now(), mime = $4, result = $5, policy_versions = $6
      WHERE ${HELD} RETURNING upload_id, kind
    )
    SELECT pg_notify('${IMAGE_TASKS_ENDED_CHANNEL}', upload_id || '/' || kind) FROM ended`,
}

const FAIL: Statement = {
  name: 'fail-image-task',
  text: `
    WITH ended AS (
      UPDATE image_tasks SET ${FREE}, state = 'failed', ended_at = now(), problem = $4, detail = $5 WHERE ${HELD}
      RETURNING upload_id, kind
    )
    SELECT pg_notify('${IMAGE_TASKS_ENDED_CHANNEL}', upload_id || '/' || kind) FROM ended`,
}

const EMBEDDINGS: Statement = {
  name: 'embeddings-of-upload',
  text: `SELECT view, vector FROM embeddings WHERE upload_id = $1 AND model_revision = $2 ORDER BY view`,
}

const DELETE_OLD: Statement = {
  name: 'delete-old-image-tasks',
  text: `
    DELETE FROM image_tasks
    WHERE state = 'done' AND ended_at < now() - $1 * interval '1 millisecond'
      OR state = 'waiting' AND asked_at < now() - $1 * interval '1 millisecond'
      OR state = 'failed' AND ended_at < now() - $2 * interval '1 millisecond'`,
}

const DELETE_OTHERS: Statement = {
  name: 'delete-explanations-by-other-models',
  text: `DELETE FROM image_tasks WHERE kind = 'explanation' AND state <> 'waiting' AND model_revision <> $1`,
}

export function createPgImageTaskStore({ run }: Database): ImageTaskStore {
  const didOne = async (statement: Statement, values: unknown[]) => (await run(statement, values)).rowCount === 1

  return {
    async image(tenant, uploadId) {
      if (!isUuid(uploadId)) return undefined
      const [row] = (await run<ImageRow>(IMAGE, [uploadId, tenant])).rows
      if (row?.erased_at)
        throw new AppError('erased', 'the upload was erased', { details: { erased_at: row.erased_at.toISOString() } })
      return row && { blobKey: row.blob_key ?? undefined, mime: row.mime, byteSize: Number(row.byte_size), decided: row.decided }
    },

    async find(tenant, uploadId, kind) {
      const [row] = (await run<FoundRow>(FIND, [uploadId, tenant, kind])).rows
      return row && toTask(row)
    },

    async ask({ tenant, uploadId, kind, stale }) {
      const values = [uploadId, tenant, kind, stale?.policyVersions, stale?.ageMs]
      return didOne(ASK, values)
    },

    async claim({ kinds, leaseMs, modelRevision }) {
      const lease = uuid()
      const [row] = (await run<ClaimedRow>(CLAIM, [kinds, lease, leaseMs, modelRevision])).rows
      return row && toClaimed(row, lease)
    },

    renew: ({ uploadId, kind, lease }, leaseMs) => didOne(RENEW, [uploadId, kind, lease, leaseMs]),

    complete({ uploadId, kind, lease }, { mime, bytes, policyVersions }) {
      return didOne(COMPLETE, [uploadId, kind, lease, mime, bytes, policyVersions])
    },

    fail: ({ uploadId, kind, lease }, problem, detail) => didOne(FAIL, [uploadId, kind, lease, problem, storableText(detail)]),

    release: ({ uploadId, kind, lease }, { counted }) => didOne(RELEASE, [uploadId, kind, lease, counted]),

    async embeddings(uploadId, modelRevision) {
      const { rows } = await run<{ view: string; vector: Buffer }>(EMBEDDINGS, [uploadId, modelRevision])
      return rows.map(({ view, vector }) => ({ view, embedding: new Float32Array(Uint8Array.from(vector).buffer) }))
    },

    deleteOld: async ({ olderThanMs, failedBeforeMs }) => (await run(DELETE_OLD, [olderThanMs, failedBeforeMs])).rowCount ?? 0,
    deleteOthers: async (modelRevision) => (await run(DELETE_OTHERS, [modelRevision])).rowCount ?? 0,
  }
}

function toTask(row: FoundRow): ImageTask {
  const { state, mime, result, age_ms: ageMs, policy_versions, problem, detail } = row
  if (state === 'failed') return { state, problem, detail }
  if (state === 'done') return { state, mime, result, ageMs, policyVersions: policy_versions ?? undefined }
  return { state }
}

function toClaimed(row: ClaimedRow, lease: string): ClaimedTask {
  return {
    uploadId: row.upload_id,
    kind: row.kind,
    lease,
    attempts: row.attempts,
    blobKey: row.blob_key ?? undefined,
    decidedBy: { modelRevision: row.model_revision ?? undefined, versions: row.versions ?? {} },
  }
}
