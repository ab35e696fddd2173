import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { ClaimOptions, DeliveryQueue } from '../../services/core/infra/delivery-queue.ts'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { createMetrics } from '../../services/core/infra/metrics.ts'
import { createPgDeliveryQueue } from '../../services/core/infra/pg-delivery-queue.ts'
import { watchBacklog } from '../../services/worker/webhook/watch-backlog.ts'
import { waitFor } from '../support/wait-for.ts'
import { openWebhookBench, type WebhookBench } from '../support/webhooks.ts'

const HOUR_MS = 3_600_000
const FAILED = { status: 500, durationMs: 1 }

let bench: WebhookBench
let queue: DeliveryQueue
beforeAll(async () => {
  bench = await openWebhookBench()
  queue = createPgDeliveryQueue(bench.database)
})
afterEach(() => bench.clear())
afterAll(() => bench?.close())

const claim = (options: Partial<ClaimOptions> = {}) =>
  queue.claim({ busy: new Map(), perEndpoint: 8, limit: 100, leaseMs: 60_000, ...options })
const endpoint = async () => (await bench.endpoint('https://hooks.example/')).endpoint.id
const decide = async (times: number) => {
  for (let i = 0; i < times; i++) await bench.decide()
}
const only = <T>([first, ...rest]: T[]): T => {
  expect(rest).toEqual([])
  return first as T
}

describe('a lease', () => {
  test('keeps a delivery from others until it ends, and then whoever had it has no say any more', async () => {
    const id = await endpoint()
    await decide(1)
    const first = only(await claim({ leaseMs: 50 }))
    const second = await waitFor(async () => (await claim()).at(0), { what: 'the end of the lease' })
    expect(second).toMatchObject({ id: first.id, event: first.event })
    expect(await claim()).toEqual([])
    expect(await queue.record(first, FAILED, { kind: 'dead', endpointPauseMs: 0 })).toBe(false)
    await queue.giveBack([first])
    expect(await claim()).toEqual([])
    expect(only(await bench.deliveriesOf(id))).toMatchObject({ state: 'pending', attempts: 0 })
    expect(await queue.record(second, { status: 200, durationMs: 1 }, { kind: 'delivered' })).toBe(true)
    expect(only(await bench.deliveriesOf(id))).toMatchObject({ state: 'delivered', attempts: 1 })
  })

  test('that is given back is free at once, and counts for nothing', async () => {
    await endpoint()
    await decide(1)
    const taken = await claim()
    await queue.giveBack(taken)
    expect(only(await claim())).toMatchObject({ id: taken[0]?.id, attempts: 0 })
  })

  test('is not taken away by whoever asks for the delivery again', async () => {
    await endpoint()
    await decide(1)
    const taken = only(await claim())
    await bench.deliveries.redeliver('default', taken.id)
    expect(await claim()).toEqual([])
    expect(await queue.record(taken, { status: 200, durationMs: 1 }, { kind: 'delivered' })).toBe(true)
  })
})

describe('a claim', () => {
  test('leaves out endpoints that have enough in hand, and takes the oldest of the others', async () => {
    const [full, free] = [await endpoint(), await endpoint()]
    await decide(4)
    const claimed = await claim({ perEndpoint: 3, busy: new Map([[full ?? '', 3]]) })
    const oldest = (await bench.deliveriesOf(free ?? ''))
      .map(({ id }) => id)
      .slice(1)
      .sort()
    expect(claimed.map(({ id }) => id).sort()).toEqual(oldest)
    expect(await claim({ perEndpoint: 3, busy: new Map([[full ?? '', 1]]), limit: 2 })).toHaveLength(2)
  })

  test('of an endpoint that fails again and again gets one delivery, whoever asks at the same moment', async () => {
    const id = await endpoint()
    await decide(9)
    for (const delivery of await claim()) await queue.record(delivery, FAILED, { kind: 'retry', pauseMs: 0, endpointPauseMs: 0 })
    const claims = (await Promise.all(Array.from({ length: 10 }, () => claim()))).flat()
    const probe = only(claims)
    expect(probe.failures).toBe(8)
    await queue.record(probe, FAILED, { kind: 'retry', pauseMs: 0, endpointPauseMs: 60_000 })
    expect(await claim()).toEqual([])
    await bench.webhooks.update('default', id, { state: 'enabled' })
    expect(await claim()).toHaveLength(8)
  })
})

describe('what waits', () => {
  const waitingFor = (id: string, ms: number) =>
    bench.query(`UPDATE pixwarden.deliveries SET asked_at = now() - ${ms} * interval '1 millisecond' WHERE endpoint_id = $1`, id)

  test('for three days at an endpoint that is disabled or failing is given up, and told in the metrics; nothing else is', async () => {
    const [disabled, failing, healthy, recent] = [await endpoint(), await endpoint(), await endpoint(), await endpoint()]
    await decide(1)
    for (const id of [disabled, failing, healthy]) await waitingFor(id, 73 * HOUR_MS)
    for (const id of [disabled, recent]) await bench.webhooks.update('default', id, { state: 'disabled' })
    await waitingFor(recent, 71 * HOUR_MS)
    await bench.query('UPDATE pixwarden.webhook_endpoints SET failures = 1 WHERE id = $1', failing)

    const metrics = createMetrics()
    const watch = watchBacklog({ queue, schedule: [1], metrics, log: silentLogger(), everyMs: 20 })
    const counted = await waitFor(
      async () => {
        const { values } = await metrics.webhookBacklog.get()
        return values.length > 0 && values
      },
      { what: 'the gauges' },
    )
    await watch.stop()
    const states = async (id: string) => (await bench.deliveriesOf(id)).map(({ state }) => state)
    expect(await states(disabled)).toEqual(['dead'])
    expect(await states(failing)).toEqual(['dead'])
    expect(await states(healthy)).toEqual(['pending'])
    expect(await states(recent)).toEqual(['pending'])
    expect(counted.map(({ labels, value }) => [labels.state, value])).toEqual([
      ['pending', 2],
      ['dead', 2],
    ])
  })

  test('goes with its endpoint, however much it is', async () => {
    const id = await endpoint()
    await bench.query(`
      WITH event AS (
        INSERT INTO pixwarden.events (id, tenant, type, body, created_at)
        SELECT gen_random_uuid(), 'default', 'webhook.test', '{}', now() FROM generate_series(1, 5001) RETURNING id
      )
      INSERT INTO pixwarden.deliveries (tenant, event_id, endpoint_id) SELECT 'default', id, '${id}' FROM event`)
    expect(await bench.webhooks.remove('default', id)).toBe(true)
    expect(await bench.query('SELECT FROM pixwarden.deliveries WHERE endpoint_id = $1', id)).toEqual([])
  })
})
