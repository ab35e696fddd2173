import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApi, type TestApi } from '../support/api.ts'
import { signIn } from '../support/sign-in.ts'

type Key = { id: string; name: string; scopes: string[]; created_at: string; last_used_at?: string; current: boolean }

let api: TestApi
beforeAll(async () => {
  api = await startApi()
})
afterAll(() => api?.discard())

const callBy = (key: string, route: string, init: RequestInit = {}) =>
  api.call(route, { ...init, headers: { ...init.headers, authorization: `Bearer ${key}` } })
const create = (body: object, key = api.key) =>
  callBy(key, '/v1/keys', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
const list = async (key = api.key) => ((await (await callBy(key, '/v1/keys')).json()) as { items: Key[] }).items
const revoke = (id: string, key = api.key) => callBy(key, `/v1/keys/${id}`, { method: 'DELETE' })

describe('an admin', () => {
  test('makes a key, which is shown once and works', async () => {
    const response = await create({ name: 'front end', scopes: ['intake', 'review', 'intake'] })
    expect(response.status).toBe(201)
    expect(response.headers.get('cache-control')).toBe('no-store')
    const { secret, ...key } = (await response.json()) as Key & { secret: string }
    expect(key).toMatchObject({ name: 'front end', scopes: ['intake', 'review'], current: false })
    expect(secret).toMatch(/^pxw_/)
    expect((await callBy(secret, '/v1/policies')).status).toBe(200)
    const listed = await list()
    expect(listed.find(({ id }) => id === key.id)).toEqual({ ...key, last_used_at: expect.any(String) })
    expect(listed.filter(({ current }) => current)).toHaveLength(1)
    expect(JSON.stringify(listed)).not.toContain(secret.slice(4))
  })

  test('revokes a key, and it is worth nothing at once', async () => {
    const { id, secret } = (await (await create({ name: 'old', scopes: ['review'] })).json()) as Key & { secret: string }
    expect((await callBy(secret, '/v1/policies')).status).toBe(200)
    expect((await revoke(id)).status).toBe(204)
    expect((await callBy(secret, '/v1/policies')).status).toBe(401)
    expect((await revoke(id)).status).toBe(404)
    expect((await list()).map((key) => key.id)).not.toContain(id)
  })

  test('neither sees nor revokes the keys of another tenant', async () => {
    const theirs = await api.createKey(['admin'], 'theirs')
    const [key] = await list(theirs)
    expect((await list()).map(({ id }) => id)).not.toContain(key?.id)
    expect((await revoke(key?.id ?? '')).status).toBe(404)
    expect(await list(theirs)).toHaveLength(1)
  })

  test('who is signed in is written down as the person', async () => {
    const { call } = await signIn(api, { key: api.key, name: 'Ann' })
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"name":"by Ann","scopes":["intake"]}',
    }
    const { id } = (await (await call('/v1/keys', init)).json()) as Key
    const { items } = (await (await api.call(`/v1/audit?subject=${id}`)).json()) as { items: object[] }
    expect(items).toEqual([
      expect.objectContaining({
        action: 'key.create',
        actor: { kind: 'person', id: expect.stringMatching(/^[0-9a-f-]{36}:Ann$/), name: 'Ann' },
      }),
    ])
  })

  test.each([
    {},
    { name: '', scopes: ['intake'] },
    { name: 'n', scopes: [] },
    { name: 'n', scopes: ['root'] },
    { name: 'a\nb', scopes: ['intake'] },
    { name: 'half a pair: \ud800', scopes: ['intake'] },
    { name: 'n', scopes: ['intake'], tenant: 'theirs' },
  ])('cannot make %j', async (body) => {
    expect((await create(body)).status).toBe(400)
  })
})

describe('the last admin key of a tenant', () => {
  test('is not revoked: 409 says why', async () => {
    const key = await api.createKey(['admin'], 'alone')
    await api.createKey(['review'], 'alone')
    const [admin] = await list(key)
    const response = await revoke(admin?.id ?? '', key)
    expect(response.status).toBe(409)
    expect(await response.json()).toMatchObject({ code: 'last-admin-key' })
    expect(await list(key)).toHaveLength(2)
  })

  test('is left when two admins revoke each other’s key at the same moment', async () => {
    for (let round = 0; round < 5; round++) {
      const tenant = `pair-${round}`
      const [first, second] = [await api.createKey(['admin'], tenant), await api.createKey(['admin'], tenant)]
      const [one, two] = await list(first)
      const answers = await Promise.all([revoke(two?.id ?? '', first), revoke(one?.id ?? '', second)])
      expect(answers.map(({ status }) => status)).toContain(204)
      expect((await api.keys.list(tenant)).length).toBe(1)
    }
  })
})

test('keys are no business of others than admins', async () => {
  for (const scope of ['intake', 'review'] as const) {
    const key = await api.createKey([scope])
    expect((await callBy(key, '/v1/keys')).status).toBe(403)
    expect((await create({ name: 'n', scopes: ['admin'] }, key)).status).toBe(403)
  }
})
