import type { SliceCounts } from '../domain/estimate-counts.ts'
import { BINS_PER_E, type OverviewCounts, type PolicySlices } from '../domain/overview.ts'
import type { OverviewSpan } from '../domain/overview-span.ts'
import type { Database, Statement } from './database.ts'
import { UPHELD } from './past-upload-rows.ts'

/** Entries of an index that one reading may look at, for uploads, and for policies: of each slice the first ones. */
const MOST_ENTRIES = 500_000
const MOST_PENDING = 100_000
const MOST_REVIEWS = 20_000

/** The slices of a span that begins at $2, each $3 seconds long; there are $4, of which at most $5 rows are read. */
const SLICES = 'generate_series(0, $4::int - 1) AS slice'
const IN_SLICE = `decided_at >= $2::timestamptz + slice * $3::int * interval '1 second'
  AND decided_at < $2::timestamptz + (slice + 1) * $3::int * interval '1 second'`

/** In one pass: a row for each slice and, without a slice, one for each bin of the times that it took. */
const DECIDED: Statement = {
  name: 'overview-decided',
  text: `
    SELECT slice, bin, count(*)::int AS read, max(decided_at) AS latest,
      count(*) FILTER (WHERE action = 'approve')::int AS approve, count(*) FILTER (WHERE action = 'flag')::int AS flag,
      count(*) FILTER (WHERE action = 'reject')::int AS reject, count(*) FILTER (WHERE received_at >= $2)::int AS received
    FROM ${SLICES} CROSS JOIN LATERAL (
      SELECT action, decided_at, received_at,
        floor(ln(greatest(extract(epoch FROM decided_at - received_at)::float8 * 1000, 1)) * ${BINS_PER_E})::int AS bin
      FROM uploads WHERE tenant = $1 AND ${IN_SLICE} ORDER BY decided_at LIMIT $5
    ) AS decided
    GROUP BY GROUPING SETS ((slice), (bin))`,
}

const UNDECODABLE: Statement = {
  name: 'overview-undecodable',
  text: `
    SELECT count(*)::int AS count FROM (
      SELECT FROM uploads WHERE tenant = $1 AND decided_at >= $2 AND reason_codes @> '{undecodable}' LIMIT ${MOST_PENDING}
    ) AS undecodable`,
}

const PENDING: Statement = {
  name: 'overview-pending',
  text: `
    SELECT count(*)::int AS count, count(*) FILTER (WHERE received_at >= $2)::int AS received,
      greatest(extract(epoch FROM now() - min(received_at)), 0)::float8 AS oldest
    FROM (
      SELECT received_at FROM uploads WHERE status = 'pending' AND tenant = $1 ORDER BY received_at LIMIT ${MOST_PENDING}
    ) AS pending`,
}

const POLICIES: Statement = { name: 'overview-policies', text: 'SELECT DISTINCT policy_id AS id FROM policy_versions' }

const JUDGED: Statement = {
  name: 'overview-judged',
  text: `
    SELECT policy, slice, count(*)::int AS read, max(decided_at) AS latest, count(*)::int AS judged
    FROM unnest($6::text[]) AS policy CROSS JOIN ${SLICES} CROSS JOIN LATERAL (
      SELECT decided_at FROM decisions WHERE tenant = $1 AND policy_id = policy AND ${IN_SLICE} ORDER BY decided_at LIMIT $5
    ) AS decided
    GROUP BY policy, slice`,
}

const FOUND: Statement = {
  name: 'overview-found',
  text: `
    SELECT policy, slice, count(*)::int AS read, max(decided_at) AS latest,
      count(*) FILTER (WHERE action = 'flag')::int AS flag, count(*) FILTER (WHERE action = 'reject')::int AS reject
    FROM unnest($6::text[]) AS policy CROSS JOIN ${SLICES} CROSS JOIN LATERAL (
      SELECT action, decided_at FROM decisions
      WHERE tenant = $1 AND policy_id = policy AND action <> 'approve' AND ${IN_SLICE} ORDER BY decided_at LIMIT $5
    ) AS decided
    GROUP BY policy, slice`,
}

/** A claim whose lease has ended is none. */
const WAITING: Statement = {
  name: 'overview-reviews-waiting',
  text: `
    SELECT count(*) FILTER (WHERE NOT held)::int AS open, count(*) FILTER (WHERE held)::int AS claimed,
      greatest(extract(epoch FROM now() - min(opened_at)), 0)::float8 AS oldest
    FROM (
      SELECT opened_at, coalesce(lease_until > now(), false) AS held FROM reviews
      WHERE tenant = $1 AND state <> 'resolved' ORDER BY opened_at LIMIT ${MOST_PENDING}
    ) AS waiting`,
}

const RESOLVED: Statement = {
  name: 'overview-reviews-resolved',
  text: `
    SELECT count(*)::int AS resolved, count(*) FILTER (WHERE upheld)::int AS upheld, count(*) FILTER (WHERE NOT upheld)::int AS overturned,
      percentile_disc(0.5) WITHIN GROUP (ORDER BY handling)::float8 AS handling
    FROM (
      SELECT ${UPHELD} AS upheld, extract(epoch FROM review.resolved_at - review.claimed_at) AS handling
      FROM (
        SELECT upload_id, resolution, claimed_at, resolved_at FROM reviews
        WHERE tenant = $1 AND state = 'resolved' AND resolved_at >= $2
        ORDER BY resolved_at DESC LIMIT ${MOST_REVIEWS}
      ) AS review JOIN uploads ON uploads.id = review.upload_id
    ) AS resolved`,
}

/** See `InsightStore.countOverview`. One statement after the other: a dashboard takes one connection. */
export async function countOverview(
  database: Database,
  tenant: string,
  span: OverviewSpan,
  active: string[],
): Promise<OverviewCounts> {
  const { run } = database
  const decided = await countDecided(database, tenant, span)
  const undecodable = await run<{ count: number }>(UNDECODABLE, [tenant, span.from])
  const pending = await run<{ count: number; received: number; oldest: number | null }>(PENDING, [tenant, span.from])
  const [waiting] = pending.rows
  return {
    ...decided,
    undecodable: undecodable.rows[0]?.count ?? 0,
    pending: { count: waiting?.count ?? 0, received: waiting?.received ?? 0, oldestSeconds: waiting?.oldest ?? undefined },
    reviews: await countReviews(database, tenant, span.from),
    policies: await countPolicies(database, tenant, span, active),
  }
}

async function countDecided({ run }: Database, tenant: string, span: OverviewSpan) {
  type Row = SliceRow & { bin: number | null; approve: number; flag: number; reject: number; received: number }
  const most = Math.floor(MOST_ENTRIES / span.slices)
  const { rows } = await run<Row>(DECIDED, [tenant, span.from, span.sliceSeconds, span.slices, most])
  const slices = rows.filter(({ bin }) => bin === null).map((row) => toSlice(row, ['approve', 'flag', 'reject', 'received']))
  const latencies = rows.flatMap(({ bin, read }) => (bin === null ? [] : [{ bin, count: read }]))
  return { decided: { most, slices }, latencies }
}

async function countPolicies({ run }: Database, tenant: string, span: OverviewSpan, active: string[]) {
  const known = await run<{ id: string }>(POLICIES, [])
  const ids = [...new Set([...active, ...known.rows.map(({ id }) => id)])]
  const most = Math.max(1, Math.floor(MOST_ENTRIES / (span.slices * Math.max(1, ids.length))))
  const values = [tenant, span.from, span.sliceSeconds, span.slices, most, ids]
  const judged = await run<PolicySliceRow & { judged: number }>(JUDGED, values)
  const found = await run<PolicySliceRow & { flag: number; reject: number }>(FOUND, values)
  return { most, judged: byPolicy(judged.rows, ['judged']), found: byPolicy(found.rows, ['flag', 'reject']) }
}

async function countReviews({ run }: Database, tenant: string, from: Date): Promise<OverviewCounts['reviews']> {
  const [waiting] = (await run<{ open: number; claimed: number; oldest: number | null }>(WAITING, [tenant])).rows
  const [resolved] = (
    await run<{ resolved: number; upheld: number; overturned: number; handling: number | null }>(RESOLVED, [tenant, from])
  ).rows
  const { open = 0, claimed = 0, oldest = null } = waiting ?? {}
  const { handling = null, ...counts } = resolved ?? { resolved: 0, upheld: 0, overturned: 0 }
  return {
    open,
    claimed,
    ...(oldest !== null && { oldest_seconds: oldest }),
    ...counts,
    ...(handling !== null && { median_handling_seconds: handling }),
  }
}

type SliceRow = { slice: number; read: number; latest: Date }
type PolicySliceRow = SliceRow & { policy: string }

function byPolicy<Key extends string>(rows: (PolicySliceRow & Record<Key, number>)[], keys: readonly Key[]): PolicySlices<Key> {
  const slices = new Map<string, SliceCounts<Key>[]>()
  for (const row of rows) {
    const found = slices.get(row.policy)
    if (found) found.push(toSlice(row, keys))
    else slices.set(row.policy, [toSlice(row, keys)])
  }
  return slices
}

function toSlice<Key extends string>(row: SliceRow & Record<Key, number>, keys: readonly Key[]): SliceCounts<Key> {
  const counts = Object.fromEntries(keys.map((key): [string, number] => [key, row[key]])) as Record<Key, number>
  return { slice: row.slice, read: row.read, latest: row.latest, counts }
}
