import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openDatabase } from '../../services/core/infra/database.ts'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { createMetrics } from '../../services/core/infra/metrics.ts'
import { parseAllowList } from '../../services/core/infra/parse-allow-list.ts'
import { startWebhooks } from '../../services/worker/webhook/start-webhooks.ts'
import { cat, startApi, type TestApi } from '../support/api.ts'
import { type Receiver, startReceiver, status, verified } from '../support/receiver.ts'
import { waitFor } from '../support/wait-for.ts'

const KEY = Buffer.alloc(32, 7)

let api: TestApi
let receiver: Receiver
let stop: () => Promise<void>

/** The api, and a dispatcher as a worker has it, with the same key for secrets. */
beforeAll(async () => {
  receiver = await startReceiver()
  api = await startApi({
    env: {
      PIXWARDEN_OUTBOUND_ALLOW: '127.0.0.1',
      PIXWARDEN_OUTBOUND_PORTS: `${receiver.port},443`,
      PIXWARDEN_SECRET_KEY: KEY.toString('base64'),
    },
  })
  const log = silentLogger()
  const database = openDatabase({ url: api.database.url, schema: 'pixwarden', pool: 5, log })
  const outbound = { allow: parseAllowList('127.0.0.1').allow, ports: [receiver.port] }
  const settings = { outbound, webhookRetrySeconds: [0.02], webhookTimeoutMs: 2000, secretKeys: [KEY] }
  const dispatcher = startWebhooks({ config: settings, database, metrics: createMetrics(), log })
  stop = async () => {
    await dispatcher.stop()
    await database.close()
  }
})
beforeEach(() => {
  receiver.received.length = 0
  receiver.become(status(200))
})
afterEach(() => api.database.query('DELETE FROM pixwarden.webhook_endpoints'))
afterAll(async () => {
  await stop?.()
  await receiver?.close()
  await api?.discard()
})

type Json = Record<string, never> & { items: Json[] }

async function ask(
  method: string,
  route: string,
  body?: unknown,
  key = api.key,
): Promise<{ status: number; body: Json; headers: Headers }> {
  const response = await fetch(`${api.url}${route}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? {} : JSON.parse(text), headers: response.headers }
}

const create = async (values: object = {}, key = api.key) =>
  (await ask('POST', '/v1/webhooks', { url: receiver.url, ...values }, key)).body

async function deliveryOnce(id: string, state: string): Promise<Json> {
  return waitFor(
    async () => {
      const { body } = await ask('GET', `/v1/webhooks/deliveries/${id}`)
      return body.state === state && body
    },
    { what: `${id} to be ${state}` },
  )
}

async function decide(): Promise<string> {
  const { id } = (await (await api.post(await cat())).json()) as { id: string }
  await api.conclude(id)
  return id
}

describe('a webhook', () => {
  test('is made with a secret that is shown this once, listed, changed and deleted', async () => {
    const {
      status: code,
      body: made,
      headers,
    } = await ask('POST', '/v1/webhooks', {
      url: `${receiver.url}#part`,
      description: 'shop',
      event_types: ['review.opened', 'upload.decided', 'review.opened'],
    })
    const shown = {
      id: expect.any(String),
      url: receiver.url,
      description: 'shop',
      event_types: ['review.opened', 'upload.decided'],
      state: 'enabled',
      failures: 0,
      created_at: expect.stringMatching(/Z$/),
    }
    expect(code).toBe(201)
    expect(headers.get('location')).toBe(`/v1/webhooks/${made.id}`)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(made).toEqual({ ...shown, secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/) })
    expect((await ask('GET', `/v1/webhooks/${made.id}`)).body).toEqual(shown)
    expect((await ask('GET', '/v1/webhooks')).body.items).toContainEqual(shown)

    const changes = { description: '', event_types: [], state: 'disabled' }
    const { body: changed } = await ask('PATCH', `/v1/webhooks/${made.id}`, changes)
    expect(changed).toMatchObject({
      event_types: [],
      state: 'disabled',
      disabled_reason: 'request',
      disabled_at: expect.any(String),
    })
    expect(changed).not.toHaveProperty('description')
    expect((await ask('PATCH', `/v1/webhooks/${made.id}`, {})).body).toEqual(changed)
    expect((await ask('PATCH', `/v1/webhooks/${made.id}`, { state: 'enabled' })).body).toMatchObject({
      state: 'enabled',
      url: receiver.url,
    })

    expect((await ask('DELETE', `/v1/webhooks/${made.id}`)).status).toBe(204)
    expect((await ask('GET', `/v1/webhooks/${made.id}`)).status).toBe(404)
    expect((await ask('DELETE', `/v1/webhooks/${made.id}`)).body).toMatchObject({ code: 'not-found' })
  })

  test('hears of a decision, and its delivery tells how that went', async () => {
    const { id, secret } = await create()
    const uploadId = await decide()
    const [delivery] = await waitFor(
      async () => {
        const { items } = (await ask('GET', `/v1/webhooks/${id}/deliveries?state=delivered`)).body
        return items.length > 0 && items
      },
      { what: 'a delivery' },
    )
    const [message] = receiver.received.filter(({ body }) => body.includes(uploadId))
    expect(verified(message as never, secret ?? '').data.id).toBe(uploadId)
    expect(delivery).toEqual({
      id: expect.any(String),
      webhook_id: id,
      event: { id: message?.id, type: 'upload.decided', created_at: expect.any(String) },
      state: 'delivered',
      attempts: 1,
      last: { at: expect.any(String), status: 200, duration_ms: expect.any(Number) },
    })
    const { body } = await ask('GET', `/v1/webhooks/deliveries/${delivery?.id}`)
    expect(body).toEqual({
      ...delivery,
      body: message?.body,
      history: [{ at: expect.any(String), status: 200, duration_ms: expect.any(Number) }],
    })
    await ask('DELETE', `/v1/webhooks/${id}`)
    expect((await ask('GET', `/v1/webhooks/deliveries/${delivery?.id}`)).status).toBe(404)
  })

  test('is sent a test event on request, alone, and signed with its newest secret', async () => {
    await create()
    const { id } = await create({ event_types: ['review.resolved'] })
    const { body: rotated } = await ask('POST', `/v1/webhooks/${id}/rotate-secret`)
    expect(new Date(rotated.previous_expires_at ?? '').getTime() - Date.now()).toBeGreaterThan(86_000_000)
    const { status: code, body: sent, headers } = await ask('POST', `/v1/webhooks/${id}/test`)
    expect(code).toBe(202)
    expect(headers.get('location')).toBe(`/v1/webhooks/deliveries/${sent.id}`)
    await deliveryOnce(sent.id ?? '', 'delivered')
    expect(receiver.received).toHaveLength(1)
    expect(verified(receiver.received[0] as never, rotated.secret ?? '')).toMatchObject({
      type: 'webhook.test',
      data: { endpoint_id: id },
    })
  })

  test('that is disabled is sent nothing on request', async () => {
    const { id } = await create()
    await ask('PATCH', `/v1/webhooks/${id}`, { state: 'disabled' })
    expect(await ask('POST', `/v1/webhooks/${id}/test`)).toMatchObject({ status: 409, body: { code: 'webhook-disabled' } })
  })

  test.each([
    ['leads inside', { url: 'https://10.0.0.1/hook' }, 422, 'forbidden-target'],
    ['leads to another port', { url: 'https://hooks.example:8443/' }, 422, 'forbidden-target'],
    ['is local by its name', { url: 'https://localhost/' }, 422, 'forbidden-target'],
    ['is no web address', { url: 'ftp://hooks.example/' }, 400, 'invalid-request'],
    ['carries a password', { url: 'https://me:secret@hooks.example/' }, 400, 'invalid-request'],
    ['is missing', { url: undefined }, 400, 'invalid-request'],
    ['comes with an event that there is not', { event_types: ['upload.liked'] }, 400, 'invalid-request'],
    ['comes with a test to subscribe to', { event_types: ['webhook.test'] }, 400, 'invalid-request'],
    ['comes with a NUL in its description', { description: 'a\0b' }, 400, 'invalid-request'],
    ['comes with a field that there is not', { secret: 'whsec_AAAA' }, 400, 'invalid-request'],
  ])('whose URL %s is refused', async (_what, values, code, problem) => {
    const made = await ask('POST', '/v1/webhooks', { url: 'https://hooks.example/', ...values })
    expect(made).toMatchObject({ status: code, body: { code: problem } })
    const { id } = await create()
    if ('url' in values && values.url)
      expect(await ask('PATCH', `/v1/webhooks/${id}`, values)).toMatchObject({ status: code, body: { code: problem } })
  })

  test('is one of fifty at most', async () => {
    const key = await api.createKey(['admin'], 'busy')
    const made = await Promise.all(
      Array.from({ length: 55 }, () => ask('POST', '/v1/webhooks', { url: 'https://hooks.example/' }, key)),
    )
    expect(made.filter(({ status: code }) => code === 201)).toHaveLength(50)
    expect(made.find(({ status: code }) => code !== 201)).toMatchObject({ status: 409, body: { code: 'too-many-webhooks' } })
  })

  test('has its secret sealed at rest', async () => {
    const { id, secret } = await create()
    const bytes = Buffer.from((secret ?? '').slice('whsec_'.length), 'base64')
    const { rows } = await api.database.query('SELECT secret FROM pixwarden.webhook_secrets WHERE endpoint_id = $1', [id])
    expect(rows).toHaveLength(1)
    expect(rows[0].secret.includes(bytes)).toBe(false)
    await ask('DELETE', `/v1/webhooks/${id}`)
    expect((await api.database.query('SELECT FROM pixwarden.webhook_secrets WHERE endpoint_id = $1', [id])).rows).toEqual([])
  })
})

describe('deliveries', () => {
  test('are listed newest first, in pages, by state; the dead of all webhooks by themselves, until they are sent again', async () => {
    receiver.become(status(500))
    const hooks = [await create(), await create()]
    const uploads = [await decide(), await decide(), await decide()]
    const dead = async () => (await ask('GET', '/v1/webhooks/dead-letters')).body.items
    await waitFor(async () => (await dead()).length === 6, { what: 'six dead letters' })

    const [first] = hooks
    const listed: Json[] = []
    let cursor = ''
    do {
      const { body } = await ask('GET', `/v1/webhooks/${first?.id}/deliveries?limit=2${cursor}`)
      listed.push(...body.items)
      cursor = body.next_cursor ? `&cursor=${body.next_cursor}` : ''
    } while (cursor)
    const events = await api.database.query('SELECT id FROM pixwarden.events WHERE upload_id = ANY ($1) ORDER BY id DESC', [
      uploads,
    ])
    expect(listed.map(({ event }) => (event as unknown as { id: string }).id)).toEqual(events.rows.map(({ id }) => id))
    expect((await ask('GET', `/v1/webhooks/${first?.id}/deliveries?state=pending`)).body.items).toEqual([])

    const pages = [await ask('GET', '/v1/webhooks/dead-letters?limit=4')]
    pages.push(await ask('GET', `/v1/webhooks/dead-letters?limit=4&cursor=${pages[0]?.body.next_cursor}`))
    expect(new Set(pages.flatMap(({ body }) => body.items.map(({ id }) => id))).size).toBe(6)

    receiver.become(status(200))
    for (const { id } of await dead()) {
      expect(await ask('POST', `/v1/webhooks/deliveries/${id}/redeliver`)).toMatchObject({
        status: 202,
        body: { id, state: 'pending' },
      })
      await deliveryOnce(id ?? '', 'delivered')
    }
    expect(await dead()).toEqual([])
  })

  test.each(['x', 'AAAA', Buffer.from('a b').toString('base64url')])(
    'refuse the cursor %j, which is not ours',
    async (cursor) => {
      expect(await ask('GET', `/v1/webhooks/dead-letters?cursor=${cursor}`)).toMatchObject({
        status: 400,
        body: { code: 'invalid-request' },
      })
    },
  )
})

test('what is another tenant’s is not there, whatever is asked of it', async () => {
  const { id } = await create()
  const { body: delivery } = await ask('POST', `/v1/webhooks/${id}/test`)
  const stranger = await api.createKey(['admin'], 'stranger')
  const routes: [string, string, object?][] = [
    ['GET', `/v1/webhooks/${id}`],
    ['PATCH', `/v1/webhooks/${id}`, { state: 'disabled' }],
    ['DELETE', `/v1/webhooks/${id}`],
    ['POST', `/v1/webhooks/${id}/rotate-secret`],
    ['POST', `/v1/webhooks/${id}/test`],
    ['GET', `/v1/webhooks/${id}/deliveries`],
    ['GET', `/v1/webhooks/deliveries/${delivery.id}`],
    ['POST', `/v1/webhooks/deliveries/${delivery.id}/redeliver`],
  ]
  for (const [method, route, body] of routes)
    expect(await ask(method, route, body, stranger), route).toMatchObject({ status: 404, body: { code: 'not-found' } })
  for (const route of ['/v1/webhooks', '/v1/webhooks/dead-letters'])
    expect((await ask('GET', route, undefined, stranger)).body.items).toEqual([])
  expect((await ask('GET', `/v1/webhooks/${id}`)).body).toMatchObject({ state: 'enabled' })
})

test('who changed a webhook is written down, without its secret and without the path of its address', async () => {
  const { id, secret } = await create()
  await ask('POST', `/v1/webhooks/${id}/rotate-secret`, { overlap_seconds: 0 })
  const { body: sent } = await ask('POST', `/v1/webhooks/${id}/test`)
  await deliveryOnce(sent.id ?? '', 'delivered')
  await ask('POST', `/v1/webhooks/deliveries/${sent.id}/redeliver`)
  await ask('PATCH', `/v1/webhooks/${id}`, { state: 'disabled' })
  await ask('DELETE', `/v1/webhooks/${id}`)
  const { items } = (await ask('GET', '/v1/audit?limit=6')).body
  expect(items.map(({ action, subject }) => `${action} ${subject}`)).toEqual([
    `webhook.delete ${id}`,
    `webhook.update ${id}`,
    `webhook.redeliver ${sent.id}`,
    `webhook.test ${id}`,
    `webhook.rotate-secret ${id}`,
    `webhook.create ${id}`,
  ])
  expect(items).toMatchObject(Array(6).fill({ actor: { kind: 'key', name: 'test' } }))
  expect(JSON.stringify(items)).not.toContain(secret)
  expect(JSON.stringify(items)).not.toContain('/hook')
})
