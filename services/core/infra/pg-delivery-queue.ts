import { v4 as uuid } from 'uuid'
import { type NextStep, PROBING_FROM_FAILURES } from '../domain/webhook-retry.ts'
import type { Database, Statement } from './database.ts'
import type { AttemptReport, DeliveryQueue, LeasedDelivery } from './delivery-queue.ts'
import { MOST_HISTORY, type PastAttempt } from './delivery-store.ts'

/** Newest secrets that a message is signed with at most: an administrator can rotate without end. */
const MOST_SECRETS = 5

/** Deliveries that are given up in one statement. */
const GIVE_UP_AT_ONCE = 10_000

const DUE = `state = 'pending' AND next_at <= now() AND (leased_until IS NULL OR leased_until <= now())`

/**
 * An endpoint that is probed is paused for as long as the lease lasts: whoever looks next finds it paused, and rows that others are looking at are
 * skipped. The other endpoints offer what room they have left.
 */
const CLAIM: Statement = {
  name: 'claim-deliveries',
  text: `
    WITH probed AS (
      SELECT id FROM webhook_endpoints AS endpoint
      WHERE state = 'enabled' AND failures >= ${PROBING_FROM_FAILURES} AND (paused_until IS NULL OR paused_until <= now())
        AND EXISTS (SELECT FROM deliveries WHERE endpoint_id = endpoint.id AND ${DUE})
      FOR NO KEY UPDATE SKIP LOCKED
    ), paused AS (
      UPDATE webhook_endpoints SET paused_until = now() + $5 * interval '1 millisecond' FROM probed
      WHERE webhook_endpoints.id = probed.id
    ), open AS (
      SELECT id, 1 AS room FROM probed
      UNION ALL
      SELECT endpoint.id, $3 - coalesce(busy.deliveries, 0)
      FROM webhook_endpoints AS endpoint LEFT JOIN unnest($1::uuid[], $2::int[]) AS busy(id, deliveries) USING (id)
      WHERE state = 'enabled' AND failures < ${PROBING_FROM_FAILURES} AND (paused_until IS NULL OR paused_until <= now())
    ), due AS (
      SELECT delivery.id
      FROM open CROSS JOIN LATERAL (
        SELECT id FROM deliveries WHERE endpoint_id = open.id AND ${DUE}
        ORDER BY next_at LIMIT greatest(open.room, 0) FOR UPDATE SKIP LOCKED
      ) AS delivery
      LIMIT $4
    ), leased AS (
      UPDATE deliveries SET lease = $6, leased_until = now() + $5 * interval '1 millisecond' FROM due
      WHERE deliveries.id = due.id
      RETURNING deliveries.id, event_id, endpoint_id, attempts
    )
    SELECT leased.id, endpoint_id, attempts, url, failures, event_id, body, ARRAY(
      SELECT secret FROM webhook_secrets
      WHERE endpoint_id = endpoint.id AND (expires_at IS NULL OR expires_at > now())
      ORDER BY id DESC LIMIT ${MOST_SECRETS}
    ) AS secrets
    FROM leased JOIN events AS event ON event.id = event_id JOIN webhook_endpoints AS endpoint ON endpoint.id = endpoint_id`,
}

type ClaimedRow = {
  id: string
  endpoint_id: string
  attempts: number
  url: string
  failures: number
  event_id: string
  body: string
  secrets: Buffer[]
}

/** Writes to the endpoint only when something about it changes: it is one row, and every delivery's. */
const RECORD: Statement = {
  name: 'record-delivery',
  text: `
    WITH recorded AS (
      UPDATE deliveries SET state = $3, attempts = attempts + 1, next_at = now() + $4 * interval '1 millisecond', lease = NULL,
        leased_until = NULL, last_at = now(), last_status = $5, last_error = $6, last_duration_ms = $7,
        history = CASE WHEN jsonb_array_length(history) >= ${MOST_HISTORY} THEN history - 0 ELSE history END || $8::jsonb
      WHERE id = $1 AND lease = $2
      RETURNING endpoint_id
    ), recovered AS (
      UPDATE webhook_endpoints SET failures = 0,
        paused_until = CASE WHEN failures >= ${PROBING_FROM_FAILURES} THEN NULL ELSE paused_until END
      FROM recorded WHERE id = endpoint_id AND $9 = 'delivered' AND failures > 0
    ), failed AS (
      UPDATE webhook_endpoints SET failures = failures + 1,
        paused_until = CASE WHEN $10::float8 > 0 THEN now() + $10 * interval '1 millisecond' ELSE paused_until END
      FROM recorded WHERE id = endpoint_id AND $9 IN ('retry', 'dead')
    ), disabled AS (
      UPDATE webhook_endpoints SET state = 'disabled', disabled_reason = 'gone', disabled_at = now()
      FROM recorded WHERE id = endpoint_id AND $9 = 'gone' AND state = 'enabled'
    )
    SELECT FROM recorded`,
}

const GIVE_BACK: Statement = {
  name: 'give-back-deliveries',
  text: `
    UPDATE deliveries SET lease = NULL, leased_until = NULL FROM unnest($1::uuid[], $2::uuid[]) AS given(id, lease)
    WHERE deliveries.id = given.id AND deliveries.lease = given.lease`,
}

const GIVE_UP: Statement = {
  name: 'give-up-deliveries',
  text: `
    UPDATE deliveries SET state = 'dead', last_error = coalesce(last_error, 'given up: the webhook was disabled or failing for too long')
    WHERE id IN (
      SELECT deliveries.id FROM deliveries JOIN webhook_endpoints AS endpoint ON endpoint.id = endpoint_id
      WHERE deliveries.state = 'pending' AND asked_at < now() - $1 * interval '1 millisecond'
        AND (leased_until IS NULL OR leased_until <= now()) AND (endpoint.state = 'disabled' OR failures > 0)
      LIMIT ${GIVE_UP_AT_ONCE} FOR UPDATE OF deliveries SKIP LOCKED)`,
}

const COUNTS: Statement = {
  name: 'count-deliveries',
  text: `SELECT (SELECT count(*)::int FROM deliveries WHERE state = 'pending') AS pending,
    (SELECT count(*)::int FROM deliveries WHERE state = 'dead') AS dead`,
}

export function createPgDeliveryQueue({ run }: Database): DeliveryQueue {
  return {
    async claim({ busy, perEndpoint, limit, leaseMs }) {
      const lease = uuid()
      const { rows } = await run<ClaimedRow>(CLAIM, [[...busy.keys()], [...busy.values()], perEndpoint, limit, leaseMs, lease])
      return rows.map((row) => toLeased(row, lease))
    },

    async record({ id, lease }, report, next) {
      const { status, error, durationMs } = report
      const { rowCount } = await run(RECORD, [
        id,
        lease,
        stateAfter(next),
        next.kind === 'retry' ? next.pauseMs : 0,
        status,
        error,
        Math.round(durationMs),
        JSON.stringify([historyOf(report, new Date())]),
        next.kind,
        'endpointPauseMs' in next ? next.endpointPauseMs : 0,
      ])
      return rowCount === 1
    },

    async giveBack(deliveries) {
      if (deliveries.length > 0) await run(GIVE_BACK, [deliveries.map(({ id }) => id), deliveries.map(({ lease }) => lease)])
    },

    async giveUp({ olderThanMs }) {
      const { rowCount } = await run(GIVE_UP, [olderThanMs])
      return rowCount ?? 0
    },

    async counts() {
      const { rows } = await run<{ pending: number; dead: number }>(COUNTS, [])
      return rows[0] ?? { pending: 0, dead: 0 }
    },
  }
}

function toLeased(row: ClaimedRow, lease: string): LeasedDelivery {
  const { id, endpoint_id, attempts, url, failures, event_id, body, secrets } = row
  return {
    id,
    lease,
    endpointId: endpoint_id,
    url,
    sealedSecrets: secrets,
    event: { id: event_id, body },
    attempts,
    failures,
  }
}

function stateAfter({ kind }: NextStep): 'delivered' | 'pending' | 'dead' {
  if (kind === 'retry') return 'pending'
  return kind === 'delivered' ? 'delivered' : 'dead'
}

function historyOf({ status, error, response, durationMs }: AttemptReport, at: Date): PastAttempt {
  return {
    at: at.toISOString(),
    ...(status !== undefined && { status }),
    ...(error !== undefined && { error }),
    duration_ms: Math.round(durationMs),
    ...(response !== undefined && { response }),
  }
}
