import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Conclusion } from '../../services/core/domain/decision.ts'
import type { QueueView } from '../../services/core/domain/review-queue.ts'
import type { ReviewView } from '../../services/core/domain/review-view.ts'
import { cat, startApi, type TestApi } from '../support/api.ts'
import { unknownId } from '../support/reviews.ts'
import { waitFor } from '../support/wait-for.ts'

let api: TestApi
let photo: Buffer
/** Two moderators, whose keys are `ann` and `ben`. */
let keys: { ann: string; ben: string; platform: string; elsewhere: string }

beforeAll(async () => {
  api = await startApi({ env: { PIXWARDEN_REVIEW_UNDO_SECONDS: '1' } })
  photo = await cat()
  const named = async (name: string, scope: 'review' | 'intake', tenant = 'default') =>
    (await api.keys.create({ tenant, name, scopes: [scope] })).secret
  keys = {
    ann: await named('Ann', 'review'),
    ben: await named('Ben', 'review'),
    platform: await named('the platform', 'intake'),
    elsewhere: await named('Eve', 'review', 'elsewhere'),
  }
})
afterEach(() => api.database.query('DELETE FROM pixwarden.uploads'))
afterAll(() => api?.discard())

type Answer<T> = { status: number; body: T & { code?: string } & Record<string, unknown> }
type Page = { items: ReviewView[]; next_cursor?: string }

async function as<T = ReviewView>(key: string, route: string, body?: object | null, method?: string): Promise<Answer<T>> {
  const headers = { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) }
  const response = await api.call(route, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers,
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, body: (text ? JSON.parse(text) : {}) as Answer<T>['body'] }
}

const FINE = { action: 'approve', reason_code: 'fine' }

/** An upload that is concluded, flagged unless said otherwise, and the review of it. */
async function flagged(query = '', conclusion: Partial<Conclusion> = {}): Promise<{ id: string; review: ReviewView }> {
  const { id } = (await (await api.post(photo, { query })).json()) as { id: string }
  await api.conclude(id, { action: 'flag', reasonCodes: ['animals'], ...conclusion })
  const { rows } = await api.database.query('SELECT id FROM pixwarden.reviews WHERE upload_id = $1', [id])
  return { id, review: (await as(keys.ann, `/v1/reviews/${rows[0]?.id}`)).body }
}

describe('a moderator', () => {
  test('sees what waits, takes the next, resolves it, and it is gone from the list', async () => {
    const { id, review } = await flagged('?external_id=post-42&source=shop&metadata={"title":"a cat"}')
    expect((await as<Page>(keys.ann, '/v1/reviews')).body).toEqual({
      items: [
        {
          id: review.id,
          state: 'open',
          origin: 'decision',
          priority: expect.any(Number),
          upload: {
            id,
            external_id: 'post-42',
            source: 'shop',
            metadata: { title: 'a cat' },
            image: { mime: 'image/jpeg', width: expect.any(Number), height: expect.any(Number), byte_size: photo.length },
            received_at: expect.any(String),
            has_image: true,
          },
          action: 'flag',
          reason_codes: ['animals'],
          reports: 0,
          opened_at: expect.any(String),
        },
      ],
    })
    const next = await as<Page>(keys.ann, '/v1/reviews/next', {})
    expect(next.body.items).toMatchObject([
      { id: review.id, state: 'claimed', claim: { by: { name: 'Ann' }, mine: true }, decision: { id, status: 'decided' } },
    ])
    expect((await as<Page>(keys.ben, '/v1/reviews/next', {})).body.items).toEqual([])
    const resolved = await as(keys.ann, `/v1/reviews/${review.id}/resolve`, { ...FINE, note: 'only a cat' })
    expect(resolved).toMatchObject({
      status: 200,
      body: {
        state: 'resolved',
        resolution: { ...FINE, note: 'only a cat', by: { name: 'Ann' }, undo_until: expect.any(String) },
      },
    })
    expect((await as<Page>(keys.ann, '/v1/reviews')).body.items).toEqual([])
    expect((await as<Page>(keys.ben, '/v1/reviews?state=resolved')).body.items).toMatchObject([{ id: review.id }])
  })

  test('finds the review of an upload, and none where nobody was to look', async () => {
    const { id, review } = await flagged()
    const found = await as(keys.ann, `/v1/uploads/${id}/review`)
    expect(found).toMatchObject({ status: 200, body: { id: review.id, decision: { id, action: 'flag' } } })
    const { id: approved } = (await (await api.post(photo)).json()) as { id: string }
    await api.conclude(approved)
    expect(await as(keys.ann, `/v1/uploads/${approved}/review`)).toMatchObject({ status: 404, body: { code: 'not-found' } })
    expect((await as(keys.elsewhere, `/v1/uploads/${id}/review`)).status).toBe(404)
  })

  test('is told who has it when somebody else does, and when it is resolved', async () => {
    const { review } = await flagged()
    const claimed = await as(keys.ben, `/v1/reviews/${review.id}/claim`, null)
    expect(claimed).toMatchObject({ status: 200, body: { claim: { mine: true, by: { name: 'Ben' } } } })
    for (const [action, body] of [
      ['claim', null],
      ['release', {}],
      ['resolve', FINE],
    ] as const)
      expect(await as(keys.ann, `/v1/reviews/${review.id}/${action}`, body), action).toMatchObject({
        status: 409,
        body: { code: 'review-claimed', claim: { by: { name: 'Ben' }, expires_at: claimed.body.claim?.expires_at } },
      })
    expect((await as(keys.ann, `/v1/reviews/${review.id}`)).body.claim).toMatchObject({ mine: false })
    expect((await as(keys.ben, `/v1/reviews/${review.id}/release`, null)).body).toMatchObject({ state: 'open' })
    await as(keys.ann, `/v1/reviews/${review.id}/resolve`, FINE)
    expect(await as(keys.ben, `/v1/reviews/${review.id}/claim`, null)).toMatchObject({
      status: 409,
      body: { code: 'review-resolved' },
    })
  })

  test('skips what somebody else should decide', async () => {
    const { review } = await flagged()
    await as(keys.ann, '/v1/reviews/next', { count: 20 })
    await as(keys.ann, `/v1/reviews/${review.id}/release`, { skip: true })
    expect((await as<Page>(keys.ann, '/v1/reviews/next', null)).body.items).toEqual([])
    expect((await as<Page>(keys.ben, '/v1/reviews/next', null)).body.items).toMatchObject([{ id: review.id }])
  })

  test('undoes a resolution of his own, for as long as the service is set to', async () => {
    const { review } = await flagged()
    const resolve = () => as(keys.ann, `/v1/reviews/${review.id}/resolve`, FINE)
    const undo = (key: string) => as(key, `/v1/reviews/${review.id}/undo`, null)
    await resolve()
    expect(await undo(keys.ben)).toMatchObject({ status: 409, body: { code: 'undo-expired' } })
    expect(await undo(keys.ann)).toMatchObject({ status: 200, body: { state: 'claimed', claim: { mine: true } } })
    await resolve()
    await waitFor(async () => !(await as(keys.ann, `/v1/reviews/${review.id}`)).body.resolution?.undo_until, {
      what: 'the end of the time to undo',
    })
    expect(await undo(keys.ann)).toMatchObject({ status: 409, body: { code: 'undo-expired' } })
  })

  test('resolves many at once, and is told of each', async () => {
    const [one, two] = [await flagged(), await flagged()]
    await as(keys.ben, `/v1/reviews/${two.review.id}/claim`, null)
    const ids = [one.review.id, two.review.id, unknownId(), one.review.id]
    const { body } = await as<{ items: object[] }>(keys.ann, '/v1/reviews/resolve', { ids, ...FINE })
    expect(body.items).toMatchObject([
      { id: ids[0], ok: true, review: { state: 'resolved' } },
      { id: ids[1], ok: false, code: 'review-claimed' },
      { id: ids[2], ok: false, code: 'not-found' },
    ])
    expect(body.items).toHaveLength(3)
    const metrics = await (await api.call('/metrics')).text()
    expect(metrics).toContain('pixwarden_reviews_resolved_total{action="approve",origin="decision"}')
  })
})

describe('an id in capitals', () => {
  test('is the same review: what is resolved by it is told as resolved, and found in the audit log', async () => {
    const [one, two] = [await flagged(), await flagged()]
    const resolved = await as(keys.ann, `/v1/reviews/${one.review.id.toUpperCase()}/resolve`, FINE)
    expect(resolved).toMatchObject({ status: 200, body: { id: one.review.id, state: 'resolved' } })
    const ids = [two.review.id.toUpperCase(), two.review.id]
    const { body } = await as<{ items: object[] }>(keys.ann, '/v1/reviews/resolve', { ids, ...FINE })
    expect(body.items).toMatchObject([{ id: two.review.id, ok: true }])
    await as(keys.ann, `/v1/reviews/${two.review.id.toUpperCase()}/undo`, null)
    const { rows } = await api.database.query('SELECT action FROM pixwarden.audit_log WHERE subject = $1 ORDER BY seq', [
      two.review.id,
    ])
    expect(rows.map(({ action }) => action)).toEqual(['review.resolve', 'review.undo'])
  })
})

describe('queues', () => {
  const names = async () =>
    (await as<{ items: QueueView[] }>(keys.ann, '/v1/reviews/queues')).body.items.map(({ name, open }) => `${name} ${open}`)
  const put = (name: string, filter: object, key = api.key) =>
    as(key, `/v1/reviews/queues/${encodeURIComponent(name)}`, { filter }, 'PUT')

  test('are there for each policy and source, and those that an administrator saves; each can be listed and worked on', async () => {
    const [web, app] = [await flagged('?source=web'), await flagged('?source=app', { reasonCodes: ['weapons'] })]
    expect(await put('Weekend web', { source: 'web' })).toMatchObject({ status: 200, body: { name: 'Weekend web' } })
    expect(await names()).toEqual([
      'all 2',
      'Weekend web 1',
      'policy:animals 1',
      'policy:weapons 1',
      'source:app 1',
      'source:web 1',
    ])
    const listed = async (query: string) => (await as<Page>(keys.ann, `/v1/reviews?${query}`)).body.items.map(({ id }) => id)
    expect(await listed('queue=Weekend+web')).toEqual([web.review.id])
    expect(await listed('queue=policy:weapons')).toEqual([app.review.id])
    expect(await listed('queue=all&source=app')).toEqual([app.review.id])
    expect((await as<Page>(keys.ann, '/v1/reviews/next', { queue: 'Weekend web', count: 5 })).body.items).toMatchObject([
      { id: web.review.id },
    ])
    expect(await as(api.key, '/v1/reviews/queues/Weekend%20web', undefined, 'DELETE')).toMatchObject({ status: 204 })
    expect(await as(api.key, '/v1/reviews/queues/Weekend%20web', undefined, 'DELETE')).toMatchObject({ status: 404 })
    expect(await as(keys.ann, '/v1/reviews?queue=Weekend+web')).toMatchObject({ status: 404, body: { code: 'not-found' } })
    const { rows } = await api.database.query("SELECT action FROM pixwarden.audit_log WHERE subject = 'Weekend web' ORDER BY seq")
    expect(rows.map(({ action }) => action)).toEqual(['queue.save', 'queue.delete'])
  })

  test.each(['all', 'policy:weapons', ' x'])('cannot be called %j', async (name) => {
    expect(await put(name, {})).toMatchObject({ status: 400, body: { code: 'invalid-request' } })
  })

  test('are saved by administrators alone, and a hundred at most', async () => {
    expect(await put('mine', {}, keys.ann)).toMatchObject({ status: 403 })
    await api.database.query(
      "INSERT INTO pixwarden.review_queues (tenant, name) SELECT 'default', 'q' || i FROM generate_series(1, 100) AS i",
    )
    expect(await put('one more', {})).toMatchObject({ status: 409, body: { code: 'too-many-queues' } })
    expect(await put('q7', { policy: 'animals' })).toMatchObject({ status: 200 })
    await api.database.query('DELETE FROM pixwarden.review_queues')
  })
})

describe('a platform', () => {
  const report = (id: string, body: object | null = null) =>
    as<{ reports: number; review_id: string }>(keys.platform, `/v1/uploads/${id}/report`, body)
  const appeal = (id: string, body: object | null = null) =>
    as<{ review_id: string }>(keys.platform, `/v1/uploads/${id}/appeal`, body)

  test('reports and appeals, with an intake key', async () => {
    const { id, review } = await flagged()
    expect(await report(id, { reason: 'not a cat', reporter: 'user-1' })).toMatchObject({
      status: 202,
      body: { upload_id: id, reports: 1, review_id: review.id },
    })
    expect(await report(id)).toMatchObject({ body: { reports: 2 } })
    await as(keys.ann, `/v1/reviews/${review.id}/resolve`, { action: 'reject', reason_code: 'animals' })
    expect(await appeal(id, { reason: 'but it is one' })).toMatchObject({ status: 201, body: { review_id: review.id } })
    expect((await as(keys.ann, `/v1/reviews/${review.id}`)).body).toMatchObject({
      state: 'open',
      origin: 'appeal',
      appeal: { reason: 'but it is one' },
      reports: 2,
    })
    expect((await as<Page>(keys.ann, '/v1/reviews?origin=appeal')).body.items).toMatchObject([{ id: review.id }])
  })

  test('is told to wait for the decision, and of what is not there or was erased', async () => {
    const { id } = (await (await api.post(photo)).json()) as { id: string }
    for (const contest of [report, appeal]) {
      expect(await contest(id)).toMatchObject({ status: 409, body: { code: 'not-decided' } })
      expect(await contest(unknownId())).toMatchObject({ status: 404 })
    }
    await api.call(`/v1/uploads/${id}`, { method: 'DELETE' })
    for (const contest of [report, appeal]) expect(await contest(id)).toMatchObject({ status: 410, body: { code: 'erased' } })
  })
})

describe('nobody', () => {
  test('sees or changes the reviews of another tenant', async () => {
    const { id, review } = await flagged()
    const key = keys.elsewhere
    expect((await as<Page>(key, '/v1/reviews')).body.items).toEqual([])
    expect((await as<Page>(key, '/v1/reviews/next', {})).body.items).toEqual([])
    expect((await as<{ items: QueueView[] }>(key, '/v1/reviews/queues')).body.items).toMatchObject([{ name: 'all', open: 0 }])
    expect(await as(key, `/v1/reviews/${review.id}`)).toMatchObject({ status: 404 })
    for (const [route, body] of [
      [`/v1/reviews/${review.id}/claim`, null],
      [`/v1/reviews/${review.id}/release`, null],
      [`/v1/reviews/${review.id}/resolve`, FINE],
      [`/v1/reviews/${review.id}/undo`, null],
      [`/v1/uploads/${id}/report`, null],
      [`/v1/uploads/${id}/appeal`, null],
    ] as const)
      expect((await as(key, route, body)).status, route).toBe(404)
    expect((await as(keys.ann, `/v1/reviews/${review.id}`)).body).toMatchObject({ state: 'open', reports: 0 })
  })

  test('without the scope gets to them', async () => {
    const { review } = await flagged()
    for (const [route, body] of [
      ['/v1/reviews', undefined],
      ['/v1/reviews/queues', undefined],
      [`/v1/reviews/${review.id}`, undefined],
      ['/v1/reviews/next', {}],
      ['/v1/reviews/resolve', { ids: [review.id], ...FINE }],
      [`/v1/reviews/${review.id}/resolve`, FINE],
    ] as const)
      expect((await as(keys.platform, route, body)).status, route).toBe(403)
  })

  test.each<[string, string, object | undefined]>([
    ['a state that is none', '/v1/reviews?state=closed', undefined],
    ['an order that is none', '/v1/reviews?order=random', undefined],
    ['a cursor of somebody else’s', '/v1/reviews?cursor=abc', undefined],
    ['a source with a NUL', '/v1/reviews?source=%00', undefined],
    ['too many at once', '/v1/reviews/next', { count: 21 }],
    ['nothing to resolve', '/v1/reviews/resolve', { ids: [], ...FINE }],
    ['a note with a NUL', `/v1/reviews/${unknownId()}/resolve`, { ...FINE, note: 'a\0b' }],
    ['a reason that is no code', `/v1/reviews/${unknownId()}/resolve`, { action: 'approve', reason_code: 'I like it' }],
    ['a ruling that is none', `/v1/reviews/${unknownId()}/resolve`, { action: 'flag', reason_code: 'fine' }],
    ['a reporter in two lines', `/v1/uploads/${unknownId()}/report`, { reporter: 'a\nb' }],
    ['an id that is none', '/v1/reviews/cat', undefined],
  ])('gets further with %s', async (_what, route, body) => {
    expect(await as(api.key, route, body)).toMatchObject({ status: 400, body: { code: 'invalid-request' } })
  })
})
