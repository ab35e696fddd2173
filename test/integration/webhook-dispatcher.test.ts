import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { hang, type Received, status, verified } from '../support/receiver.ts'
import { newConclusion } from '../support/test-store.ts'
import { waitFor } from '../support/wait-for.ts'
import { openWebhookBench, type WebhookBench } from '../support/webhooks.ts'

let bench: WebhookBench
beforeAll(async () => {
  bench = await openWebhookBench()
})
afterEach(() => bench.clear())
afterAll(() => bench?.close())

const heard = (receiver: { received: unknown[] }, count: number, timeoutMs = 15_000) =>
  waitFor(() => receiver.received.length >= count, { what: `${count} messages`, timeoutMs })

describe('a platform hears', () => {
  test('of a decision at once, in bytes that the official library verifies and that are the upload as callers see it', async () => {
    const receiver = await bench.receiver()
    const { secret } = await bench.endpoint(receiver.url)
    bench.dispatcher()
    const id = await bench.decide({ externalId: 'ad-7', metadata: { z: 1, a: 'ä' } })
    await heard(receiver, 1)
    const [message] = receiver.received
    const payload = verified(message as Received, secret)
    const [event] = await bench.query('SELECT id, body FROM pixwarden.events WHERE upload_id = $1', id)
    expect(message).toMatchObject({
      id: event.id,
      body: event.body,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'pixwarden-webhooks',
        'content-length': String(Buffer.byteLength(event.body)),
      },
    })
    expect(payload).toMatchObject({ type: 'upload.decided', data: { id, external_id: 'ad-7', status: 'decided' } })
    expect(payload.data).toEqual(await bench.uploads.find('default', id))
    expect(() => verified(message as Received, `whsec_${Buffer.alloc(32).toString('base64')}`)).toThrow('No matching signature')
  })

  test('of what it is subscribed to, and nothing of other tenants, of what happened before it subscribed or while it was disabled', async () => {
    const receiver = await bench.receiver()
    const at = (path: string) => receiver.url.replace('/hook', path)
    const missed = [await bench.decide()]
    await bench.endpoint(at('/all'))
    await bench.endpoint(at('/reviews'), { eventTypes: ['review.opened'] })
    await bench.endpoint(at('/other'), { tenant: 'other' })
    const paused = await bench.endpoint(at('/disabled'))
    await bench.webhooks.update('default', paused.endpoint.id, { state: 'disabled' })
    const approved = await bench.decide()
    const flagged = await bench.decide({}, newConclusion({ action: 'flag', reasonCodes: ['animals'] }))
    await bench.webhooks.update('default', paused.endpoint.id, { state: 'enabled' })
    bench.dispatcher()
    await heard(receiver, 4)
    const told = receiver.received.map(({ path, body }) => {
      const { type, data } = JSON.parse(body)
      return `${path} ${type} ${type === 'review.opened' ? data.upload.id : data.id}`
    })
    expect(told.sort()).toEqual([
      `/all review.opened ${flagged}`,
      ...[approved, flagged].sort().map((id) => `/all upload.decided ${id}`),
      `/reviews review.opened ${flagged}`,
    ])
    expect(told.join()).not.toContain(missed[0])
    const undelivered = () => bench.query("SELECT FROM pixwarden.deliveries WHERE state <> 'delivered' AND tenant = 'default'")
    await waitFor(async () => (await undelivered()).length === 0, { what: 'nothing left to do' })
    expect(receiver.received).toHaveLength(4)
  })

  test('with both secrets’ signatures while a rotation lasts, and with the new one’s alone when it is over', async () => {
    const receiver = await bench.receiver()
    const { endpoint, secret: old } = await bench.endpoint(receiver.url)
    const rotated = await bench.webhooks.rotateSecret('default', endpoint.id, { overlapSeconds: 600 })
    bench.dispatcher()
    await bench.decide()
    await heard(receiver, 1)
    const [during] = receiver.received as [Received]
    expect(verified(during, old)).toEqual(verified(during, rotated?.secret ?? ''))
    expect(receiver.received[0]?.headers['webhook-signature']?.split(' ')).toHaveLength(2)
    const again = await bench.webhooks.rotateSecret('default', endpoint.id, { overlapSeconds: 0 })
    await bench.decide()
    await heard(receiver, 2)
    const after = receiver.received[1] as Received
    verified(after, again?.secret ?? '')
    for (const secret of [old, rotated?.secret ?? '']) expect(() => verified(after, secret)).toThrow('No matching signature')
  })
})

describe('a delivery that fails', () => {
  test.each([
    ['an error', status(500), { status: 500 }],
    [
      'a redirect, which is not followed',
      status(302, { location: '/hook' }),
      { status: 302, error: 'redirects are not followed' },
    ],
    [
      'a closed connection',
      ((response) => response.destroy()) as typeof hang,
      { error: expect.stringMatching(/^the connection failed: /) },
    ],
    ['silence', hang, { error: 'no answer within 500 ms' }],
  ])('with %s is tried again, under the same id and in the same bytes', async (_what, answer, last) => {
    const receiver = await bench.receiver((response, received, nth) =>
      nth < 2 ? answer(response, received, nth) : response.writeHead(200).end(),
    )
    const { endpoint, secret } = await bench.endpoint(receiver.url)
    bench.dispatcher({ timeoutMs: 500 })
    await bench.decide()
    const delivery = await bench.deliveryOnce(endpoint.id, 'delivered')
    expect(receiver.received).toHaveLength(3)
    expect(new Set(receiver.received.map(({ id, body }) => id + body)).size).toBe(1)
    for (const message of receiver.received) verified(message, secret)
    expect(delivery).toMatchObject({ attempts: 3, last: { status: 200 } })
    expect(delivery.history).toMatchObject([last, last, { status: 200 }])
  })

  test('is tried when its schedule says, give or take a tenth', async () => {
    const receiver = await bench.receiver((response, _, nth) => response.writeHead(nth < 2 ? 500 : 200).end())
    await bench.endpoint(receiver.url)
    bench.dispatcher({ schedule: [0.2, 0.8] })
    await bench.decide()
    await heard(receiver, 3)
    const pauses = receiver.received.slice(1).map(({ at }, i) => at - (receiver.received[i]?.at ?? 0))
    for (const [i, ms] of [200, 800].entries()) {
      expect(pauses[i]).toBeGreaterThanOrEqual(0.9 * ms)
      // A machine that is busy is late.
      expect(pauses[i]).toBeLessThan(1.1 * ms + 1500)
    }
  })

  test.each([
    ['seconds', () => '1'],
    ['a date', () => new Date(Date.now() + 2000).toUTCString()],
  ])(
    'with 429 and Retry-After in %s leaves the endpoint alone for so long, other deliveries included',
    async (_what, retryAfter) => {
      const receiver = await bench.receiver((response, _, nth) =>
        nth === 0 ? response.writeHead(429, { 'retry-after': retryAfter() }).end('slow down') : response.writeHead(200).end(),
      )
      const { endpoint } = await bench.endpoint(receiver.url)
      bench.dispatcher()
      await bench.decide()
      const refused = await bench.deliveryOnce(endpoint.id, 'pending')
      expect(refused.history).toMatchObject([{ status: 429, response: 'slow down' }])
      await bench.decide()
      await heard(receiver, 3)
      const [first, second, third] = receiver.received.map(({ at }) => at)
      for (const at of [second, third]) expect(Number(at) - Number(first)).toBeGreaterThan(900)
    },
  )

  test('to its last attempt is dead, and delivered when somebody asks for it again', async () => {
    const receiver = await bench.receiver(status(503))
    const { endpoint, secret } = await bench.endpoint(receiver.url)
    bench.dispatcher({ schedule: [0.02, 0.02] })
    await bench.decide()
    const dead = await bench.deliveryOnce(endpoint.id, 'dead', 3)
    expect(receiver.received).toHaveLength(3)
    expect(dead).toMatchObject({ attempts: 3, nextAt: undefined, last: { status: 503 } })
    expect((await bench.deliveries.list('default', { state: 'dead' }, { limit: 10 })).items).toMatchObject([{ id: dead.id }])
    receiver.become(status(200))
    expect(await bench.deliveries.redeliver('default', dead.id)).toMatchObject({ id: dead.id, state: 'pending', attempts: 0 })
    const delivered = await bench.deliveryOnce(endpoint.id, 'delivered')
    expect(delivered.history).toHaveLength(4)
    expect(new Set(receiver.received.map(({ id, body }) => id + body)).size).toBe(1)
    verified(receiver.received[3] as Received, secret)
  })

  test('with 410 is over, and so is its endpoint until somebody enables it', async () => {
    const receiver = await bench.receiver(status(410))
    const { endpoint } = await bench.endpoint(receiver.url)
    bench.dispatcher()
    await bench.decide()
    await bench.deliveryOnce(endpoint.id, 'dead')
    expect((await bench.webhooks.find('default', endpoint.id))?.state).toMatchObject({ kind: 'disabled', reason: 'gone' })
    await bench.decide()
    expect(await bench.deliveriesOf(endpoint.id)).toHaveLength(1)
    const [dead] = await bench.deliveriesOf(endpoint.id)
    await expect(bench.deliveries.redeliver('default', dead?.id ?? '')).rejects.toMatchObject({ code: 'webhook-disabled' })
    receiver.become(status(200))
    await bench.webhooks.update('default', endpoint.id, { state: 'enabled' })
    await bench.deliveries.redeliver('default', dead?.id ?? '')
    await bench.deliveryOnce(endpoint.id, 'delivered')
    expect(receiver.received).toHaveLength(2)
  })

  test('because its endpoint leads inside is never dialled, though it was there when the list of what is allowed was longer', async () => {
    const receiver = await bench.receiver()
    const { endpoint } = await bench.endpoint(receiver.url.replace('127.0.0.1', '127.0.0.2'))
    bench.dispatcher({ schedule: [0.02] })
    await bench.decide()
    const { history } = await bench.deliveryOnce(endpoint.id, 'dead', 2)
    expect(history.map(({ error }) => error)).toEqual(Array(2).fill('the host has no public address'))
    expect(receiver.received).toEqual([])
  })

  test('is kept with the beginning of what its receiver said, in text that a line can show', async () => {
    const receiver = await bench.receiver((response) => response.writeHead(400).end(`bad\0\n${'x'.repeat(100_000)}`))
    const { endpoint } = await bench.endpoint(receiver.url)
    bench.dispatcher()
    await bench.decide()
    const { history } = await bench.deliveryOnce(endpoint.id, 'pending')
    expect(history[0]?.response).toBe(`bad ${'x'.repeat(196)}`)
  })

  test('has the last twenty attempts kept, however often it is asked for', async () => {
    const receiver = await bench.receiver(status(500))
    const { endpoint } = await bench.endpoint(receiver.url)
    bench.dispatcher({ schedule: Array.from({ length: 22 }, () => 0.001) })
    await bench.decide()
    const { history, attempts } = await bench.deliveryOnce(endpoint.id, 'dead', 23)
    expect(attempts).toBe(23)
    expect(history).toHaveLength(20)
  })
})

describe('an endpoint that', () => {
  test('hangs delays nobody else’s events', async () => {
    const [dead, alive] = [await bench.receiver(hang), await bench.receiver()]
    const slow = await bench.endpoint(dead.url)
    await bench.endpoint(alive.url)
    bench.dispatcher({ timeoutMs: 10_000 })
    for (let i = 0; i < 30; i++) await bench.decide()
    await heard(dead, 8)
    await heard(alive, 30)
    const before = alive.received.length
    const decidedAt = performance.now()
    await bench.decide()
    await heard(alive, before + 1)
    expect((alive.received.at(-1)?.at ?? Number.NaN) - decidedAt).toBeLessThan(1000)
    // All of its places are taken, and it gets no others.
    expect(dead.received).toHaveLength(8)
    expect((await bench.deliveriesOf(slow.endpoint.id)).every(({ state }) => state === 'pending')).toBe(true)
  })

  test('takes a message and goes on talking has had it, and holds its place no longer', async () => {
    const receiver = await bench.receiver((response) => {
      response.writeHead(200)
      response.write('more to come')
    })
    const { endpoint } = await bench.endpoint(receiver.url)
    bench.dispatcher({ timeoutMs: 10_000 })
    await bench.decide()
    const { last } = await bench.deliveryOnce(endpoint.id, 'delivered')
    expect(last?.durationMs).toBeLessThan(5000)
  })

  test('fails and fails is only probed, one delivery at a time, and gets everything when it is back', async () => {
    let open = 0
    let most = 0
    const failing = await bench.receiver((response) => {
      most = Math.max(most, ++open)
      setTimeout(() => {
        open--
        response.writeHead(500).end()
      }, 30)
    })
    const { endpoint } = await bench.endpoint(failing.url)
    bench.dispatcher({ schedule: Array.from({ length: 40 }, () => 0.3) })
    bench.dispatcher({ schedule: Array.from({ length: 40 }, () => 0.3) })
    for (let i = 0; i < 40; i++) await bench.decide()
    const failures = async () => {
      const state = (await bench.webhooks.find('default', endpoint.id))?.state
      return state?.kind === 'enabled' ? state.failures : 0
    }
    // By then what was on its way when it was found out has ended.
    await waitFor(async () => (await failures()) >= 8 && open <= 1, { what: 'an endpoint that is given up' })
    const settled = failing.received.length
    most = open
    await heard(failing, settled + 5, 20_000)
    expect(most).toBeLessThanOrEqual(1)
    failing.become(status(200))
    await waitFor(async () => (await bench.deliveriesOf(endpoint.id)).every(({ state }) => state === 'delivered'), {
      what: 'all of them delivered',
    })
    expect(await failures()).toBe(0)
  })
})

describe('a dispatcher', () => {
  test('finds what nobody announced', async () => {
    const receiver = await bench.receiver(status(410))
    const { endpoint } = await bench.endpoint(receiver.url)
    bench.dispatcher()
    await bench.decide()
    await bench.deliveryOnce(endpoint.id, 'dead')
    receiver.become(status(200))
    await bench.webhooks.update('default', endpoint.id, { state: 'enabled' })
    await bench.query("UPDATE pixwarden.deliveries SET state = 'pending' WHERE endpoint_id = $1", endpoint.id)
    await bench.deliveryOnce(endpoint.id, 'delivered')
  })

  test('works off what has piled up for one endpoint without a pause', async () => {
    const receiver = await bench.receiver()
    await bench.endpoint(receiver.url)
    await Promise.all(Array.from({ length: 120 }, () => bench.decide()))
    bench.dispatcher()
    await heard(receiver, 120)
    const [first, last] = [receiver.received[0]?.at, receiver.received.at(-1)?.at]
    // Eight at a time, and a look every second, would be a quarter of a minute.
    expect(Number(last) - Number(first)).toBeLessThan(7000)
  })

  test('sends nothing that it cannot sign, and says so', async () => {
    const receiver = await bench.receiver()
    const { endpoint } = await bench.endpoint(receiver.url)
    await bench.query("UPDATE pixwarden.webhook_secrets SET secret = '\\x01' || secret WHERE endpoint_id = $1", endpoint.id)
    bench.dispatcher()
    await bench.decide()
    const { last } = await bench.deliveryOnce(endpoint.id, 'pending')
    expect(last?.error).toBe('the webhook’s secret cannot be read')
    expect(receiver.received).toEqual([])
  })
})

describe('dispatchers', () => {
  test('that work side by side never have one delivery in hand at the same time', async () => {
    const open = new Set<string>()
    const twice: string[] = []
    const receiver = await bench.receiver((response, { id }) => {
      if (open.has(id)) twice.push(id)
      open.add(id)
      setTimeout(() => {
        open.delete(id)
        response.writeHead(200).end()
      }, 10)
    })
    await bench.endpoint(receiver.url)
    const ids = await Promise.all(Array.from({ length: 100 }, () => bench.decide()))
    for (let i = 0; i < 4; i++) bench.dispatcher()
    await heard(receiver, ids.length)
    expect(twice).toEqual([])
    expect(receiver.received).toHaveLength(ids.length)
    expect(new Set(receiver.received.map(({ body }) => JSON.parse(body).data.id))).toEqual(new Set(ids))
  })

  test('that stop let attempts end, and give back at once what does not', async () => {
    const receiver = await bench.receiver(hang)
    const { endpoint } = await bench.endpoint(receiver.url)
    const first = bench.dispatcher({ timeoutMs: 60_000 })
    await bench.decide()
    await heard(receiver, 1)
    receiver.become(status(200))
    const stopping = performance.now()
    await first.stop()
    expect(performance.now() - stopping).toBeLessThan(8000)
    bench.dispatcher()
    const { attempts, history } = await bench.deliveryOnce(endpoint.id, 'delivered')
    expect(attempts).toBe(1)
    expect(history).toHaveLength(1)
    expect(new Set(receiver.received.map(({ id, body }) => id + body)).size).toBe(1)
  })
})

test('attempts are counted by what came of them', async () => {
  const receiver = await bench.receiver((response, _, nth) => response.writeHead([500, 200, 410][nth] ?? 200).end())
  const { endpoint } = await bench.endpoint(receiver.url)
  bench.dispatcher()
  await bench.decide()
  await bench.deliveryOnce(endpoint.id, 'delivered')
  await bench.decide()
  const { webhookDeliveries } = bench.metrics
  await waitFor(async () => (await webhookDeliveries.get()).values.some(({ labels }) => labels.outcome === 'gone'), {
    what: 'the last of them',
  })
  const counted = (await webhookDeliveries.get()).values.map(({ labels, value }) => [labels.outcome, value > 0])
  expect(Object.fromEntries(counted)).toMatchObject({ delivered: true, retry: true, gone: true })
})
