import { type FeedPosition, type FeedType, isAfter } from '../domain/feed.ts'
import type { Database, Statement } from './database.ts'
import type { FeedEvent, FeedPage, FeedStore } from './feed-store.ts'

const HEAD: Statement = { name: 'feed-head', text: 'SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS xid' }

/** A row for each event, and one for a place without any. Those that are not settled may still get others before them. The place after all that are is never lost. */
const READ: Statement = {
  name: 'read-feed',
  text: `
    SELECT place.number::int, pg_snapshot_xmin(snapshot)::text AS xmin,
      place.xid <= horizon AND place.xid < pg_snapshot_xmin(snapshot) OR place.xid > pg_snapshot_xmax(snapshot) AS lost,
      event.xid::text, event.seq::text, type, settled, CASE WHEN settled THEN body END AS body
    FROM (SELECT pg_current_snapshot() AS snapshot, (SELECT xid FROM feed_horizon) AS horizon) AS present
    CROSS JOIN unnest($1::text[], $2::xid8[], $3::bigint[]) WITH ORDINALITY AS place(tenant, xid, seq, number)
    LEFT JOIN LATERAL (
      SELECT xid, seq, type, body, xid < pg_snapshot_xmin(snapshot) AS settled FROM events
      WHERE tenant = place.tenant AND (xid, seq) > (place.xid, place.seq) AND type = ANY ($4)
      ORDER BY xid, seq LIMIT $5
    ) AS event ON true
    ORDER BY place.number, event.xid, event.seq`,
}

/** What this statement sees was written by transactions below its snapshot's end. */
const ADOPT: Statement = {
  name: 'adopt-restored-events',
  text: `
    WITH RECURSIVE owner AS (
      (SELECT tenant FROM events ORDER BY tenant LIMIT 1)
      UNION ALL
      SELECT (SELECT tenant FROM events WHERE tenant > owner.tenant ORDER BY tenant LIMIT 1) FROM owner WHERE tenant IS NOT NULL
    ), horizon AS (
      UPDATE feed_horizon SET xid = pg_current_xact_id() WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())
    )
    UPDATE events SET xid = pg_current_xact_id() WHERE id IN (
      SELECT id FROM owner CROSS JOIN LATERAL (
        SELECT id FROM events WHERE tenant = owner.tenant AND xid >= pg_snapshot_xmax(pg_current_snapshot()) ORDER BY xid, seq LIMIT $1
      ) AS restored LIMIT $1)`,
}
const ADOPTED_AT_ONCE = 5000

type Row = { number: number; lost: boolean; xmin: string } & (
  | { xid: null; seq: null; type: null; settled: null; body: null }
  | { xid: string; seq: string; type: FeedType; settled: false; body: null }
  | { xid: string; seq: string; type: FeedType; settled: true; body: string }
)

export function createPgFeedStore({ run }: Database): FeedStore {
  return {
    async head() {
      const { rows } = await run<{ xid: string }>(HEAD, [])
      return settledUpTo(rows[0]?.xid)
    },

    async read(places, { types, limit }) {
      const { rows } = await run<Row>(READ, [
        places.map(({ tenant }) => tenant),
        places.map(({ after }) => String(after.xid)),
        places.map(({ after }) => String(after.seq)),
        types,
        limit,
      ])
      const found = places.map((): Row[] => [])
      for (const row of rows) found[row.number - 1]?.push(row)
      return places.map(({ after }, index) => toPage(found[index] ?? [], after, limit))
    },

    async adoptRestored() {
      let adopted: number | null
      do adopted = (await run(ADOPT, [ADOPTED_AT_ONCE])).rowCount
      while (adopted === ADOPTED_AT_ONCE)
    },
  }
}

function toPage(rows: Row[], after: FeedPosition, limit: number): FeedPage {
  const end = settledUpTo(rows[0]?.xmin)
  if (rows[0]?.lost) return { events: [], position: end, more: false, held: false, lost: true }
  const events = rows.flatMap((row) => (row.settled ? [toEvent(row)] : []))
  const last = events.length === limit ? events.at(-1) : undefined
  return {
    events,
    position: last?.position ?? (isAfter(end, after) ? end : after),
    more: last !== undefined,
    held: rows.at(-1)?.settled === false,
    lost: false,
  }
}

function toEvent({ xid, seq, type, body }: Row & { settled: true }): FeedEvent {
  return { position: { xid: BigInt(xid), seq: BigInt(seq) }, type, body }
}

/** Sequences begin at 1. */
function settledUpTo(xmin = '0'): FeedPosition {
  return { xid: BigInt(xmin), seq: 0n }
}
