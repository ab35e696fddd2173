import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decisionSchema, pendingSchema } from '../../services/api/routes/decision-schema.ts'
import type { Decision } from '../../services/core/domain/decision.ts'
import { cat, startApi, type TestApi } from '../support/api.ts'
import { waitFor } from '../support/wait-for.ts'

let api: TestApi
let photo: Buffer

beforeAll(async () => {
  api = await startApi()
  photo = await cat()
})
afterAll(() => api?.discard())

const MODEL = { id: 'embedded', revision: 'a'.repeat(64) }
const verdict = (id: string, action: 'approve' | 'flag' | 'reject') => ({
  id,
  version: 'b'.repeat(64),
  mode: 'enforce' as const,
  action,
  rules: [
    { id: 'rule', action, matched: action !== 'approve', score: 0.7, threshold: 0.6, prompt: 'a photo of a cat.', view: 'full' },
  ],
})

async function submit(authorization = `Bearer ${api.key}`): Promise<string> {
  const response = await api.post(photo, { headers: { authorization } })
  return ((await response.json()) as { id: string }).id
}

describe('an upload', () => {
  test('is pending, then decided, in the shapes that are described', async () => {
    const id = await submit()
    const read = async () => (await api.call(`/v1/uploads/${id}`)).json()
    expect(pendingSchema.parse(await read())).toMatchObject({ id, status: 'pending' })
    await api.conclude(id, {
      action: 'flag',
      reasonCodes: ['animals'],
      verdicts: [verdict('animals', 'flag')],
      model: MODEL,
      timings: { queue: 3, decode: 6.5, inference: 21 },
    })
    const decided = await read()
    expect(decisionSchema.parse(decided)).toEqual(decided)
    expect(decided).toMatchObject({
      action: 'flag',
      recommendation: { action: 'review', reason_codes: ['animals'] },
      policies: [{ id: 'animals', action: 'flag', rules: [{ score: 0.7 }] }],
      model: MODEL,
    })
  })

  test('of another tenant is not there, nor is one that never was', async () => {
    const id = await submit(`Bearer ${await api.createKey(['intake'], 'other-tenant')}`)
    for (const each of [id, '01900000-0000-7000-8000-000000000000']) {
      const response = await api.call(`/v1/uploads/${each}`)
      expect(response.status).toBe(404)
      expect(await response.json()).toMatchObject({ code: 'not-found' })
    }
    expect((await api.call('/v1/uploads/not-an-id')).status).toBe(400)
  })
})

describe('waiting for the decision', () => {
  test('gives it as soon as it is made', async () => {
    const before = await pendingIds()
    const startedAt = performance.now()
    const response = api.post(photo, { query: '?wait=30' })
    const id = await waitFor(async () => (await pendingIds()).find((each) => !before.includes(each)), {
      what: 'the upload to be stored',
    })
    await api.conclude(id, { action: 'reject', reasonCodes: ['animals'] })
    const answer = await response
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({ id, status: 'decided', action: 'reject' })
    expect(performance.now() - startedAt).toBeLessThan(10_000)
  })

  test('ends when its time is up: 202, as without', async () => {
    const response = await api.post(photo, { query: '?wait=0.2' })
    expect(response.status).toBe(202)
    expect(await response.json()).toMatchObject({ status: 'pending', links: { self: expect.any(String) } })
  })

  test('does not hold up the stop of the api', async () => {
    const own = await startApi()
    try {
      const response = own.post(photo, { query: '?wait=30' })
      await waitFor(async () => (await own.remains()).rows === 1, { what: 'the upload to be stored' })
      const startedAt = performance.now()
      await own.stop()
      expect(performance.now() - startedAt).toBeLessThan(5000)
      expect((await response).status).toBe(202)
    } finally {
      await own.discard()
    }
  })

  const pendingIds = () => api.uploads.pendingIds({ olderThanMs: 0, limit: 100 })
})

describe('decisions', () => {
  let reader: TestApi['call']
  const decided: { id: string; action: string }[] = []

  beforeAll(async () => {
    const key = await api.createKey(['intake', 'review'], 'paging')
    reader = (route) => api.call(route, { headers: { authorization: `Bearer ${key}` } })
    const actions = ['approve', 'flag', 'reject', 'approve', 'flag', 'reject', 'flag'] as const
    for (const action of actions) {
      const id = await submit(`Bearer ${key}`)
      const policy = action === 'reject' ? 'weapons' : 'animals'
      await api.conclude(id, { action, reasonCodes: action === 'approve' ? [] : [policy], verdicts: [verdict(policy, action)] })
      decided.unshift({ id, action })
    }
    await submit(`Bearer ${key}`)
  })

  const list = async (query: string) => {
    const response = await reader(`/v1/decisions?${query}`)
    return (await response.json()) as { items: Decision[]; next_cursor?: string }
  }
  const ids = (items: { id: string }[]) => items.map(({ id }) => id)

  test('come newest first, page by page, each once', async () => {
    const found: string[] = []
    let cursor = ''
    do {
      const page = await list(`limit=3${cursor && `&cursor=${cursor}`}`)
      found.push(...ids(page.items))
      cursor = page.next_cursor ?? ''
    } while (cursor)
    expect(found).toEqual(ids(decided))
  })

  test('can be asked for by action, by policy and by time', async () => {
    const flagged = decided.filter(({ action }) => action === 'flag')
    const rejected = decided.filter(({ action }) => action === 'reject')
    expect(ids((await list('action=flag')).items)).toEqual(ids(flagged))
    expect(ids((await list('policy=weapons')).items)).toEqual(ids(rejected))
    const [, , third] = (await list('')).items
    const since = (await list(`since=${encodeURIComponent(third?.decided_at ?? '')}`)).items
    expect(ids(since)).toEqual(ids(decided.slice(0, 3)))
    expect((await list(`since=${encodeURIComponent('2099-01-01T00:00:00+02:00')}`)).items).toEqual([])
  })

  test.each(['cursor=bogus', 'limit=0', 'limit=1000', 'action=ban', 'since=yesterday', 'page=2', 'policy=%00'])(
    'refuse %s',
    async (query) => {
      const response = await reader(`/v1/decisions?${query}`)
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({ code: 'invalid-request' })
    },
  )
})

describe('policies', () => {
  test('are shown as they are active, with what they look for', async () => {
    const { items } = (await (await api.call('/v1/policies')).json()) as { items: unknown[] }
    const one = await (await api.call('/v1/policies/animals')).json()
    expect(items).toEqual([one])
    expect(one).toEqual({
      id: 'animals',
      title: 'Animals',
      description: 'Cats and dogs.',
      limits: 'Drawings are not seen.',
      version: expect.stringMatching(/^[0-9a-f]{64}$/),
      mode: 'enforce',
      views: ['full'],
      rules: [
        {
          id: 'animal',
          score: 'softmax',
          templates: ['a photo of {}.'],
          concepts: ['a cat', 'a dog'],
          contrast: ['a toy'],
          thresholds: { '*': { flag: 0.6, reject: 0.98 } },
        },
      ],
    })
  })

  test('that are not there are not found', async () => {
    const response = await api.call('/v1/policies/none')
    expect(response.status).toBe(404)
  })
})
