import { afterAll, beforeAll, expect, test } from 'vitest'
import { cat, form, startApi, type TestApi } from '../support/api.ts'
import { sample } from '../support/service.ts'
import { waitFor } from '../support/wait-for.ts'

let api: TestApi
let photo: Buffer
let other: Buffer
let keys = 0

beforeAll(async () => {
  api = await startApi()
  photo = await cat()
  other = await sample('coffee.jpg')
})
afterAll(() => api?.discard())

const freshKey = () => `key-${++keys}`
const post = (key: string, body: Uint8Array | ReadableStream = photo, query = '') =>
  api.post(body, { query, headers: { 'idempotency-key': key } })
const idOf = async (response: Response) => ((await response.json()) as { id: string }).id

test('the same request again gets the first answer again, and stores nothing more', async () => {
  const key = freshKey()
  const first = await post(key)
  const before = await api.remains()
  const again = await post(key)
  expect([first.status, again.status]).toEqual([202, 202])
  expect(again.headers.get('location')).toBe(first.headers.get('location'))
  expect(await again.text()).toBe(await first.text())
  expect(await api.remains()).toEqual(before)
})

test('the same request is the same in whatever form it comes', async () => {
  const key = freshKey()
  const id = await idOf(await post(key, photo, '?source=shop'))
  const again = await api.call('/v1/uploads', {
    method: 'POST',
    body: form(photo, { source: 'shop' }),
    headers: { 'idempotency-key': key },
  })
  expect(await idOf(again)).toBe(id)
})

test('once it is decided, the repeat gets the decision', async () => {
  const key = freshKey()
  const id = await idOf(await post(key))
  await api.conclude(id, { action: 'flag', reasonCodes: ['animals'] })
  const again = await post(key)
  expect(again.status).toBe(200)
  expect(await again.json()).toMatchObject({ id, status: 'decided', action: 'flag' })
})

test.each([
  ['another image', () => post('reused', other)],
  ['other fields', () => post('reused', photo, '?source=elsewhere')],
  ['another uploader', () => post('reused', photo, '?uploader=member-7')],
])('%s under the same key is refused', async (_what, send) => {
  await post('reused')
  const before = await api.remains()
  const response = await send()
  expect(response.status).toBe(422)
  expect(await response.json()).toMatchObject({ code: 'idempotency-key-reused' })
  expect(await api.remains()).toEqual(before)
})

test('the same key of another tenant is another key', async () => {
  const key = freshKey()
  const id = await idOf(await post(key))
  const theirs = await api.createKey(['intake'], 'other-tenant')
  const response = await api.post(photo, { headers: { 'idempotency-key': key, authorization: `Bearer ${theirs}` } })
  expect(response.status).toBe(202)
  expect(await idOf(response)).not.toBe(id)
})

test('while the first request runs, the second is told to come back; then it gets the first answer', async () => {
  const key = freshKey()
  const { finish, response } = slowly(key)
  await held(key)
  const second = await post(key)
  expect(second.status).toBe(409)
  expect(second.headers.get('retry-after')).toMatch(/^\d+$/)
  expect(await second.json()).toMatchObject({ code: 'idempotency-key-in-use' })
  finish()
  const id = await idOf(await response)
  expect(await idOf(await post(key))).toBe(id)
})

test('twenty at once make one upload', async () => {
  const key = freshKey()
  const before = await api.remains()
  const responses = await Promise.all(Array.from({ length: 20 }, () => post(key)))
  const statuses = responses.map(({ status }) => status)
  expect(new Set(statuses)).toEqual(new Set(statuses.includes(409) ? [202, 409] : [202]))
  const ids = await Promise.all(responses.filter(({ status }) => status === 202).map(idOf))
  expect(new Set(ids).size).toBe(1)
  expect(await api.remains()).toEqual({ rows: before.rows + 1, files: before.files + 1 })
})

test('a refusal frees the key', async () => {
  const key = freshKey()
  expect((await post(key, Buffer.from('no image'))).status).toBe(415)
  expect((await post(key)).status).toBe(202)
})

test('a client that goes away frees the key', async () => {
  const key = freshKey()
  const { abandon } = slowly(key)
  await held(key)
  abandon()
  const response = await waitFor(
    async () => {
      const again = await post(key)
      return again.status === 202 ? again : undefined
    },
    { what: 'the key to be free' },
  )
  expect(response.status).toBe(202)
})

test('a key whose request died with its process is free after a while', async () => {
  const key = freshKey()
  await api.database.query(
    `INSERT INTO pixwarden.idempotency_keys (tenant, key, created_at) VALUES ('default', $1, now() - interval '1 minute')`,
    [key],
  )
  expect((await post(key)).status).toBe(409)
  await api.database.query(`UPDATE pixwarden.idempotency_keys SET created_at = now() - interval '10 minutes' WHERE key = $1`, [
    key,
  ])
  expect((await post(key)).status).toBe(202)
})

/** Sends half of a request, and the rest when told to. */
function slowly(key: string) {
  const stop = new AbortController()
  let finish = () => {}
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(photo.subarray(0, 20_000))
      finish = () => {
        controller.enqueue(photo.subarray(20_000))
        controller.close()
      }
    },
  })
  const response = api.call('/v1/uploads', {
    method: 'POST',
    headers: { 'content-type': 'image/jpeg', 'idempotency-key': key },
    body,
    duplex: 'half',
    signal: stop.signal,
  } as RequestInit)
  response.catch(() => {})
  return { response, finish: () => finish(), abandon: () => stop.abort() }
}

function held(key: string): Promise<unknown> {
  const find = 'SELECT 1 FROM pixwarden.idempotency_keys WHERE key = $1'
  return waitFor(async () => (await api.database.query(find, [key])).rowCount, { what: `the key ${key} to be held` })
}
