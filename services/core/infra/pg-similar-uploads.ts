import type { SimilarUpload } from '../domain/past-upload.ts'
import { dot } from '../domain/vector.ts'
import type { Database, Statement } from './database.ts'
import { MOST_COMPARED, NEAR_IDENTICAL } from './insight-store.ts'
import { PAST_UPLOAD, type PastUploadRow, RESOLUTION, toPastUpload } from './past-upload-rows.ts'

/** Of an upload's views the one that is the whole picture, as the index on the signs has it. */
const WHOLE = "view IN ('full', 'on-black')"

/** Those with the fewest differing signs, whose cosine is then computed. */
const MOST_CANDIDATES = 100

const SUBJECT: Statement = {
  name: 'similar-subject',
  text: `
    SELECT embeddings.model_revision AS revision, sign::text, vector
    FROM uploads JOIN embeddings ON upload_id = uploads.id AND embeddings.model_revision = uploads.model_revision
    WHERE uploads.id = $1 AND uploads.tenant = $2 AND ${WHOLE} AND sign IS NOT NULL`,
}

const CANDIDATES: Statement = {
  name: 'similar-candidates',
  text: `
    WITH near AS MATERIALIZED (
      SELECT upload_id FROM (
        SELECT upload_id, sign FROM embeddings
        WHERE tenant = $1 AND model_revision = $2 AND ${WHOLE} AND upload_id < $3
        ORDER BY upload_id DESC LIMIT ${MOST_COMPARED}
      ) AS earlier
      ORDER BY bit_count(sign # $4::bit varying), upload_id DESC LIMIT ${MOST_CANDIDATES}
    )
    SELECT upload_id AS id, vector FROM near JOIN embeddings USING (upload_id) WHERE model_revision = $2 AND ${WHOLE}`,
}

const FOUND: Statement = {
  name: 'similar-found',
  text: `
    SELECT ${PAST_UPLOAD}, uploads.decided_at FROM uploads ${RESOLUTION}
    WHERE uploads.id = ANY ($1) AND uploads.tenant = $2 AND uploads.status = 'decided'`,
}

/**
 * See `InsightStore.similar`. Counting the signs that differ is cheap and tells the angle between two vectors nearly (Charikar 2002, section 3); the exact
 * cosine then decides.
 */
export async function similarUploads({ run }: Database, tenant: string, id: string, limit: number): Promise<SimilarUpload[]> {
  const [subject] = (await run<{ revision: string; sign: string; vector: Buffer }>(SUBJECT, [id, tenant])).rows
  if (!subject) return []
  const { rows } = await run<{ id: string; vector: Buffer }>(CANDIDATES, [tenant, subject.revision, id, subject.sign])
  const embedding = toVector(subject.vector)
  const nearest = rows
    .map((row) => ({ id: row.id, similarity: dot(embedding, toVector(row.vector)) }))
    .filter(({ similarity }) => similarity >= NEAR_IDENTICAL)
    .sort((a, b) => b.similarity - a.similarity || (a.id < b.id ? 1 : -1))
    .slice(0, limit)
  if (nearest.length === 0) return []
  const found = await run<PastUploadRow & { decided_at: Date }>(FOUND, [nearest.map((each) => each.id), tenant])
  const byId = new Map(found.rows.map((row) => [row.id, row]))
  return nearest.flatMap(({ id: upload, similarity }) => {
    const row = byId.get(upload)
    return row ? [{ ...toPastUpload(row), similarity: Math.min(1, similarity), decided_at: row.decided_at.toISOString() }] : []
  })
}

/** Of the bytes of 32-bit floats, little-endian; a copy, since pg's buffers begin anywhere. */
function toVector(bytes: Buffer): Float32Array {
  return new Float32Array(Uint8Array.from(bytes).buffer)
}
