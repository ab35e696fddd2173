import { v7 as uuidv7 } from 'uuid'
import type { TestDatabase } from './postgres.ts'

export type ManyUploads = {
  tenant?: string
  count: number
  /** Seconds before now in which they were decided, evenly; the newest first. */
  withinSeconds: number
  /** Every so manieth is flagged, and every so manieth of these rejected. */
  flagEvery?: number
  policies?: string[]
  version?: string
  uploaders?: number
}

/** Puts in decided uploads by the thousand, with a decision of each policy, as workers would have left them. */
export async function insertUploads({ query }: TestDatabase, options: ManyUploads): Promise<void> {
  const { tenant = 'default', count, withinSeconds, flagEvery = 20, policies = [], version = 'v1', uploaders = 100 } = options
  await query(
    `WITH made AS (
      SELECT n, now() - n * ($3::float8 / $2::int) * interval '1 second' AS at,
        CASE WHEN n % ($4::int * $4::int) = 0 THEN 'reject' WHEN n % $4::int = 0 THEN 'flag' ELSE 'approve' END AS action
      FROM generate_series(0, $2::int - 1) AS n
    ), stamped AS (
      SELECT *, (lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text || $1::text), 1, 3)
        || '8' || substr(md5(n::text || $1::text), 4, 15))::uuid AS id FROM made
    ), upload AS (
      INSERT INTO pixwarden.uploads (id, tenant, sha256, mime, byte_size, status, action, reason_codes, received_at, decided_at, uploader)
      SELECT id, $1::text, '', 'image/png', 1, 'decided', action, CASE action WHEN 'approve' THEN '{}'::text[] ELSE $5::text[] END,
        at - interval '100 milliseconds', at, 'member-' || n % $7::int FROM stamped
    )
    INSERT INTO pixwarden.decisions (upload_id, policy_id, tenant, decided_at, version, model_id, mode, action, rules)
    SELECT id, policy, $1::text, at, $6::text, 'embedded', 'enforce', action, json_build_array(
      json_build_object('id', 'rule', 'action', action, 'matched', action <> 'approve', 'score', (n % 1000) / 1000.0, 'threshold', 0.6,
        'prompt', 'a photo of a cat.', 'contrast', 'a photo of a toy.', 'view', 'full'),
      json_build_object('id', 'other', 'action', 'approve', 'matched', false, 'score', 0.1, 'threshold', 0.6, 'prompt', 'a photo of a dog.'))
    FROM stamped, unnest($5::text[]) AS policy`,
    [tenant, count, withinSeconds, flagEvery, policies, version, uploaders],
  )
}

/** Uploads with random unit embeddings of 384 numbers, in the order of their ids. Resolves to the ids. */
export async function insertEmbeddings(
  { query }: TestDatabase,
  vectors: Float32Array[],
  signs: string[],
  revision: string,
): Promise<string[]> {
  const ids = vectors.map(() => uuidv7())
  await query(
    `WITH upload AS (
      INSERT INTO pixwarden.uploads (id, tenant, sha256, mime, byte_size, status, action, model_id, model_revision, decided_at)
      SELECT id, 'default', '', 'image/png', 1, 'decided', 'approve', 'embedded', $4, now() FROM unnest($1::uuid[]) AS id
    )
    INSERT INTO pixwarden.embeddings (upload_id, tenant, model_id, model_revision, view, vector, sign)
    SELECT id, 'default', 'embedded', $4, 'full', vector, sign::bit varying FROM unnest($1::uuid[], $2::bytea[], $3::text[]) AS made(id, vector, sign)`,
    [ids, vectors.map(({ buffer }) => Buffer.from(buffer as ArrayBuffer)), signs, revision],
  )
  return ids
}
