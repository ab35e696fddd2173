import type { ScoreBin } from '../domain/score-histogram.ts'
import { BINS_PER_UNIT } from '../domain/score-histogram.ts'
import type { StoredVerdict } from '../domain/what-if.ts'
import type { Database, Statement } from './database.ts'
import {
  MOST_DECISIONS,
  type PolicyDecisions,
  type PolicyVersion,
  type StoredScores,
  type StoredVerdicts,
} from './insight-store.ts'

const MOST_VERSIONS = 100

/** A policy's newest decisions in a tenant, since $3. */
const NEWEST = `
  SELECT * FROM decisions WHERE tenant = $1 AND policy_id = $2 AND decided_at >= $3
  ORDER BY decided_at DESC, upload_id DESC LIMIT ${MOST_DECISIONS}`

const COUNT: Statement = { name: 'policy-count', text: `SELECT count(*)::int AS count FROM (${NEWEST}) AS newest` }

const SCORES: Statement = {
  name: 'policy-scores',
  text: `
    SELECT model_id AS "modelId", rule.id AS rule, floor(score * ${BINS_PER_UNIT})::int AS bin, count(*)::int AS count,
      max(decided_at) AS latest
    FROM (${NEWEST}) AS newest CROSS JOIN LATERAL json_to_recordset(rules) AS rule(id text, score float8)
    WHERE version = $4 GROUP BY 1, 2, 3`,
}

const VERDICTS: Statement = {
  name: 'policy-verdicts',
  text: `
    SELECT upload_id AS "uploadId", model_id AS "modelId", action, score, others
    FROM (${NEWEST}) AS newest CROSS JOIN LATERAL (
      SELECT max(score) FILTER (WHERE id = $5) AS score,
        CASE WHEN bool_or(rule.action = 'reject') FILTER (WHERE id <> $5) THEN 'reject'
          WHEN bool_or(rule.action = 'flag') FILTER (WHERE id <> $5) THEN 'flag' ELSE 'approve' END AS others
      FROM json_to_recordset(rules) AS rule(id text, action text, score float8)
    ) AS judged
    WHERE version = $4 ORDER BY decided_at DESC, upload_id DESC`,
}

const WITH_IMAGE: Statement = {
  name: 'uploads-with-image',
  text: 'SELECT id FROM uploads WHERE id = ANY ($1) AND tenant = $2 AND blob_key IS NOT NULL',
}

const VERSIONS: Statement = {
  name: 'policy-versions',
  text: `
    SELECT version, first_seen AS "firstSeen", body FROM policy_versions
    WHERE policy_id = $1 ORDER BY first_seen DESC, version LIMIT ${MOST_VERSIONS}`,
}

const VERSION_COUNTS: Statement = {
  name: 'policy-version-counts',
  text: `SELECT version, count(*)::int AS count FROM (${NEWEST}) AS newest GROUP BY version`,
}

/** See `InsightStore.scores`. */
export async function storedScores({ run }: Database, decisions: PolicyDecisions): Promise<StoredScores> {
  const sampled = await isSampled(run, decisions)
  type Row = { modelId: string | null; rule: string; bin: number | null; count: number; latest: Date }
  const { rows } = await run<Row>(SCORES, valuesOf(decisions))
  const newest = rows.reduce<Row | undefined>((best, row) => (best && best.latest >= row.latest ? best : row), undefined)
  const rules: StoredScores['rules'] = new Map()
  for (const { modelId, rule, bin, count } of rows) {
    if (modelId !== newest?.modelId) continue
    const found = rules.get(rule) ?? { bins: [] as ScoreBin[], errored: 0 }
    if (bin === null) found.errored += count
    else found.bins.push({ bin, count })
    rules.set(rule, found)
  }
  return { modelId: newest?.modelId ?? undefined, sampled, rules }
}

/** See `InsightStore.verdicts`. */
export async function storedVerdicts({ run }: Database, decisions: PolicyDecisions, rule: string): Promise<StoredVerdicts> {
  const sampled = await isSampled(run, decisions)
  type Row = Omit<StoredVerdict, 'score'> & { modelId: string | null; score: number | null }
  const { rows } = await run<Row>(VERDICTS, [...valuesOf(decisions), rule])
  const modelId = rows[0]?.modelId
  const verdicts = rows
    .filter((row) => row.modelId === modelId)
    .map(({ uploadId, action, score, others }) => ({ uploadId, action, score: score ?? undefined, others }))
  return { modelId: modelId ?? undefined, sampled, verdicts }
}

/** See `InsightStore.withImage`. */
export async function withImage({ run }: Database, tenant: string, ids: string[]): Promise<Set<string>> {
  const { rows } = await run<{ id: string }>(WITH_IMAGE, [ids, tenant])
  return new Set(rows.map(({ id }) => id))
}

/** See `InsightStore.policyVersions`. */
export async function policyVersions(
  { run }: Database,
  tenant: string,
  policy: string,
): Promise<{ versions: PolicyVersion[]; sampled: boolean }> {
  const { rows } = await run<Omit<PolicyVersion, 'decisions'>>(VERSIONS, [policy])
  const counted = await run<{ version: string; count: number }>(VERSION_COUNTS, [tenant, policy, '-infinity'])
  const counts = new Map(counted.rows.map(({ version, count }) => [version, count]))
  const total = counted.rows.reduce((sum, { count }) => sum + count, 0)
  const versions = rows.map((row) => ({ ...row, decisions: counts.get(row.version) ?? 0 }))
  return { versions, sampled: total === MOST_DECISIONS }
}

async function isSampled(run: Database['run'], { tenant, policy, since }: PolicyDecisions): Promise<boolean> {
  const { rows } = await run<{ count: number }>(COUNT, [tenant, policy, since])
  return rows[0]?.count === MOST_DECISIONS
}

function valuesOf({ tenant, policy, version, since }: PolicyDecisions): unknown[] {
  return [tenant, policy, since, version]
}
