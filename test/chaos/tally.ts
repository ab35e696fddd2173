import type { TestDatabase } from '../support/postgres.ts'

/** What became of uploads, as the database has it. */
export type Tally = {
  rows: number
  decided: number
  /** Decided, but without exactly one decision of each policy. */
  wrongDecisions: number
  /** Without exactly one frozen `upload.decided` event that is about them. */
  wrongEvents: number
  /** Sent to a moderator because no attempt came to an end. */
  givenUp: number
  /** What those were given up for. */
  givenUpFor: string[] | null
  executions: number
  mostExecutions: number
}

const TALLY = `
  SELECT count(*)::int AS rows,
    count(*) FILTER (WHERE status = 'decided')::int AS decided,
    count(*) FILTER (WHERE status = 'decided' AND model_id IS NOT NULL AND
      (SELECT count(*) FROM pixwarden.decisions WHERE upload_id = uploads.id) <> $2)::int AS "wrongDecisions",
    count(*) FILTER (WHERE (
      SELECT count(*) FROM pixwarden.events WHERE upload_id = uploads.id AND type = 'upload.decided'
        AND body::json -> 'data' ->> 'id' = uploads.id::text AND body::json -> 'data' ->> 'action' = uploads.action) <> 1)::int AS "wrongEvents",
    count(*) FILTER (WHERE status = 'decided' AND model_id IS NULL)::int AS "givenUp",
    array_agg(DISTINCT detail) FILTER (WHERE status = 'decided' AND model_id IS NULL) AS "givenUpFor",
    coalesce(sum(attempts), 0)::int AS executions,
    coalesce(max(attempts), 0)::int AS "mostExecutions"
  FROM pixwarden.uploads WHERE id = ANY($1)`

/** Counts what became of the uploads `ids`, each of which as many policies judge as `policies` says. */
export async function tally(database: Pick<TestDatabase, 'query'>, ids: string[], policies: number): Promise<Tally> {
  const { rows } = await database.query(TALLY, [ids, policies])
  return rows[0] as Tally
}

/** Uploads of the whole database, and how many of them have no decision yet. */
export async function countUploads(database: Pick<TestDatabase, 'query'>): Promise<{ all: number; pending: number }> {
  const { rows } = await database.query(
    `SELECT count(*)::int AS all, count(*) FILTER (WHERE status = 'pending')::int AS pending FROM pixwarden.uploads`,
  )
  return rows[0] as { all: number; pending: number }
}

/** How often a worker has begun with an upload. */
export async function attemptsOf(database: Pick<TestDatabase, 'query'>, id: string): Promise<number> {
  const { rows } = await database.query('SELECT attempts FROM pixwarden.uploads WHERE id = $1', [id])
  return (rows[0] as { attempts: number } | undefined)?.attempts ?? 0
}

/** Whether a moderator is asked about an upload, because it could not be decoded. */
export async function isInReview(database: Pick<TestDatabase, 'query'>, id: string): Promise<boolean> {
  const { rows } = await database.query(
    `SELECT 1 FROM pixwarden.uploads JOIN pixwarden.reviews ON upload_id = uploads.id
     WHERE uploads.id = $1 AND state = 'open' AND uploads.reason_codes = '{undecodable}'`,
    [id],
  )
  return rows.length === 1
}
