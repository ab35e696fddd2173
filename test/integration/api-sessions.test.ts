import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../services/core/infra/database.ts'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { createPgSessionStore } from '../../services/core/infra/pg-session-store.ts'
import type { SessionStore } from '../../services/core/infra/session-store.ts'
import { cat, startApi, type TestApi } from '../support/api.ts'
import { databaseText } from '../support/database-text.ts'
import { postSession, type SignedIn, signIn } from '../support/sign-in.ts'

let api: TestApi
let database: Database
let sessions: SessionStore
beforeAll(async () => {
  api = await startApi({ env: { PIXWARDEN_TRUST_PROXY: 'loopback' } })
  database = openDatabase({ url: api.database.url, schema: 'pixwarden', pool: 1, log: silentLogger() })
  sessions = createPgSessionStore(database)
})
afterAll(async () => {
  await database?.close()
  await api?.discard()
})

const codeOf = async (response: Response) => ((await response.json()) as { code: string }).code
/** Whether another process takes the cookie: this one asks the database again only after 5 s. */
const isGoodElsewhere = async (cookie: string) => (await sessions.verify(cookie.split('=')[1] ?? '')) !== undefined
const askWith = (cookie: string) => fetch(`${api.url}/v1/session`, { headers: { cookie } })

describe('signing in', () => {
  test('by a key gives a session that may do what the key may, and tells who it is', async () => {
    const { session, call } = await signIn(api, { name: '  Zoë   K. ' })
    expect(session).toEqual({
      tenant: 'default',
      name: 'Zoë K.',
      scopes: ['review'],
      csrf_token: expect.stringMatching(/^[\w-]{43}$/),
      expires_at: expect.any(String),
    })
    const hoursLeft = (Date.parse(session.expires_at) - Date.now()) / 3_600_000
    expect(hoursLeft).toBeGreaterThan(11.9)
    expect(hoursLeft).toBeLessThan(12.1)
    expect(await (await call('/v1/session')).json()).toEqual(session)
    expect((await call('/v1/policies')).status).toBe(200)
    expect(await codeOf(await call('/v1/webhooks'))).toBe('forbidden')
  })

  test('without a name goes by the name of the key', async () => {
    expect((await signIn(api)).session.name).toBe('test')
  })

  test.each([
    ['a key that was never made', { key: `pxw_${'a'.repeat(43)}` }],
    ['something else', { key: 'secret' }],
    ['a link that was never made', { link: 'a'.repeat(43) }],
  ])('by %s does not', async (_what, body) => {
    const response = await postSession(api, body)
    expect(response.status).toBe(401)
    expect(response.headers.getSetCookie()).toEqual([])
  })

  test.each(['', ' ', 'a\nb', 'x'.repeat(101), '\u202egnp'])('under the name %j is refused', async (name) => {
    expect((await postSession(api, { key: api.key, name })).status).toBe(400)
  })

  test('by a key for intake only is refused: programs have those', async () => {
    expect(await codeOf(await postSession(api, { key: await api.createKey(['intake']) }))).toBe('forbidden')
  })

  test('by many wrong keys or links is refused after a while, and keeps nobody out who is elsewhere', async () => {
    const at = (address: string) => ({ 'x-forwarded-for': address })
    for (const [most, wrong] of [
      [100, (i: number) => ({ key: `pxw_wrong_${i}` })],
      [20, (i: number) => ({ link: `wrong-${i}` })],
    ] as const) {
      const answers = await Promise.all(
        Array.from({ length: most + 5 }, (_, i) => postSession(api, wrong(i), at('192.0.2.7')).then(({ status }) => status)),
      )
      expect(answers.filter((status) => status === 401)).toHaveLength(most)
      expect(answers.filter((status) => status === 429)).toHaveLength(5)
    }
    expect((await signIn(api, {}, at('192.0.2.8'))).session.name).toBe('test')
  })

  test('is written down with the person, and neither key nor token goes anywhere', async () => {
    const key = await api.createKey(['review'])
    const { cookie, session } = await signIn(api, { key, name: 'Ann' })
    const { items } = (await (await api.call('/v1/audit?action=session.start')).json()) as { items: object[] }
    expect(items[0]).toMatchObject({ actor: { kind: 'person', name: 'Ann' }, details: { by: 'key' } })
    const written = `${await databaseText(api.database)}\n${api.logged.join('\n')}`
    for (const secret of [key, cookie.split('=')[1] ?? '', session.csrf_token]) {
      expect(secret.length).toBeGreaterThan(40)
      expect(written).not.toContain(secret)
    }
  })
})

describe('the cookie', () => {
  test('is kept from scripts and from other sites', async () => {
    const { setCookie } = await signIn(api)
    const [value, ...flags] = setCookie.split('; ')
    expect(value).toMatch(/^pxw_session=[\w-]{43}$/)
    expect(flags.sort()).toEqual(['HttpOnly', 'Path=/', 'SameSite=Strict'])
  })

  test('is kept from plain HTTP where a trusted proxy was asked by HTTPS, and not because anybody says so', async () => {
    const overTls = { 'x-forwarded-proto': 'https' }
    expect((await signIn(api, {}, overTls)).setCookie).toMatch(/; Secure(;|$)/)
    for (const [trusted, secure] of [
      ['', false],
      ['1', true],
    ] as const) {
      const other = await startApi({ env: { PIXWARDEN_TRUST_PROXY: trusted } })
      try {
        expect((await signIn(other, {}, overTls)).setCookie.includes('Secure'), trusted).toBe(secure)
      } finally {
        await other.discard()
      }
    }
  })

  test('is a new one at every sign-in, whatever a browser brings: nobody can have prepared it', async () => {
    const planted = 'p'.repeat(43)
    const first = await signIn(api, {}, { cookie: `pxw_session=${planted}` })
    expect(first.cookie).not.toContain(planted)
    expect((await askWith(`pxw_session=${planted}`)).status).toBe(401)

    const second = await signIn(api, {}, { cookie: first.cookie })
    expect(second.cookie).not.toBe(first.cookie)
    expect((await askWith(first.cookie)).status).toBe(401)
    expect((await askWith(second.cookie)).status).toBe(200)
  })

  test('counts for nothing beside a key: that is what decides', async () => {
    const { cookie } = await signIn(api)
    const ask = (authorization: string) => fetch(`${api.url}/v1/session`, { headers: { cookie, authorization } })
    expect((await ask('Bearer pxw_wrong')).status).toBe(401)
    expect((await ask(`Bearer ${api.key}`)).status).toBe(404)
  })

  test('that is made up is asked about a hundred times in a minute, and then refused', async () => {
    const headers = (i: number) => ({ cookie: `pxw_session=${String(i).padStart(43, 'x')}`, 'x-forwarded-for': '192.0.2.9' })
    const statuses = await Promise.all(
      Array.from({ length: 110 }, (_, i) => fetch(`${api.url}/v1/session`, { headers: headers(i) }).then(({ status }) => status)),
    )
    expect(statuses.filter((status) => status === 429)).toHaveLength(10)
  })
})

describe('a request of another site', () => {
  let me: SignedIn
  beforeAll(async () => {
    me = await signIn(api, { key: await api.createKey(['admin']) })
  })

  const hook = { url: 'https://example.com/hook' }
  const post = (headers: Record<string, string>) =>
    fetch(`${api.url}/v1/webhooks`, {
      method: 'POST',
      headers: { cookie: me.cookie, 'content-type': 'application/json', ...headers },
      body: JSON.stringify(hook),
    })
  const mine = () => ({ 'x-csrf-token': me.session.csrf_token })

  test('changes nothing without the token, with a wrong one or with that of somebody else', async () => {
    const other = await signIn(api, { key: await api.createKey(['admin']) })
    for (const token of [undefined, '', 'x', 'x'.repeat(43), other.session.csrf_token]) {
      const response = await post(token === undefined ? {} : { 'x-csrf-token': token })
      expect(response.status, token).toBe(403)
      expect(await codeOf(response)).toBe('csrf')
    }
  })

  test('is refused where browsers say whose it is, and where they only say whose page it was', async () => {
    const { host } = new URL(api.url)
    const foreign: Record<string, string>[] = [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'https://evil.example' },
      { origin: `http://${host}.evil.example` },
      { origin: 'null' },
    ]
    for (const headers of foreign)
      expect(await codeOf(await post({ ...mine(), ...headers })), JSON.stringify(headers)).toBe('csrf')
    const origin = `http://${host}`
    const own: Record<string, string>[] = [{}, { 'sec-fetch-site': 'same-origin', origin }, { origin }]
    for (const headers of own) expect((await post({ ...mine(), ...headers })).status, JSON.stringify(headers)).toBe(201)
  })

  test('is told from one of our page by the name that a trusted proxy was asked by', async () => {
    const headers = { ...mine(), origin: 'https://moderation.example' }
    expect((await post({ ...headers, 'x-forwarded-host': 'moderation.example' })).status).toBe(201)
    expect((await post({ ...headers, 'x-forwarded-host': 'evil.example' })).status).toBe(403)
  })

  test('signs nobody in or out', async () => {
    const elsewhere = { 'sec-fetch-site': 'cross-site' }
    expect(await codeOf(await postSession(api, { key: api.key }, elsewhere))).toBe('csrf')
    const signOut = await fetch(`${api.url}/v1/session`, { method: 'DELETE', headers: { cookie: me.cookie } })
    expect(await codeOf(signOut)).toBe('csrf')
    expect((await askWith(me.cookie)).status).toBe(200)
  })

  test('does not concern keys, which no browser sends by itself', async () => {
    const response = await api.call('/v1/webhooks', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'sec-fetch-site': 'cross-site', origin: 'https://tool.example' },
      body: JSON.stringify(hook),
    })
    expect(response.status).toBe(201)
  })

  test('leaves an upload by the page alone: it needs the token like the rest', async () => {
    const upload = (headers: Record<string, string>) =>
      cat().then((body) =>
        fetch(`${api.url}/v1/uploads`, {
          method: 'POST',
          headers: { cookie: me.cookie, 'content-type': 'image/jpeg', ...headers },
          body,
        }),
      )
    expect((await upload({})).status).toBe(403)
    expect((await upload(mine())).status).toBe(202)
  })
})

describe('a session ends', () => {
  const shift = (cookie: string, change: string) =>
    api.database.query(`UPDATE pixwarden.sessions SET ${change} WHERE token_hash = sha256($1)`, [cookie.split('=')[1]])

  test('at sign-out: here at once, and the cookie goes', async () => {
    const { call, cookie } = await signIn(api)
    const response = await call('/v1/session', { method: 'DELETE' })
    expect(response.status).toBe(204)
    expect(response.headers.getSetCookie()[0]).toMatch(/^pxw_session=;.*Expires=Thu, 01 Jan 1970/)
    expect((await askWith(cookie)).status).toBe(401)
    expect(await isGoodElsewhere(cookie)).toBe(false)
  })

  test('after 12 hours, used or not', async () => {
    const { cookie } = await signIn(api)
    await shift(cookie, "expires_at = expires_at - interval '12 hours'")
    expect(await isGoodElsewhere(cookie)).toBe(false)
  })

  test('after 2 hours without a request; one that is used goes on', async () => {
    const [used, idle] = [await signIn(api), await signIn(api)]
    for (const { cookie } of [used, idle]) await shift(cookie, "seen_at = now() - interval '119 minutes'")
    expect(await isGoodElsewhere(used.cookie)).toBe(true)
    for (const { cookie } of [used, idle]) await shift(cookie, "seen_at = seen_at - interval '2 minutes'")
    expect(await isGoodElsewhere(used.cookie)).toBe(true)
    expect(await isGoodElsewhere(idle.cookie)).toBe(false)
  })

  test('after 2 hours in which it was only looked at, as long answers do', async () => {
    const { cookie } = await signIn(api)
    const token = cookie.split('=')[1] ?? ''
    await shift(cookie, "seen_at = now() - interval '119 minutes'")
    expect(await sessions.peek(token)).toMatchObject({ name: 'test' })
    await shift(cookie, "seen_at = seen_at - interval '2 minutes'")
    expect(await sessions.peek(token)).toBeUndefined()
  })

  test('when its key is revoked', async () => {
    const key = await api.createKey(['review'])
    const { call } = await signIn(api, { key })
    expect((await call('/v1/session')).status).toBe(200)
    const { items } = (await (await api.call('/v1/keys')).json()) as { items: { id: string }[] }
    expect((await api.call(`/v1/keys/${items.at(-1)?.id}`, { method: 'DELETE' })).status).toBe(204)
    expect((await call('/v1/session')).status).toBe(401)
    expect((await postSession(api, { key })).status).toBe(401)
  })

  test('and its row goes with the next sign-in', async () => {
    const { cookie } = await signIn(api)
    await shift(cookie, "seen_at = now() - interval '3 hours'")
    await signIn(api)
    const { rows } = await api.database.query('SELECT FROM pixwarden.sessions WHERE token_hash = sha256($1)', [
      cookie.split('=')[1],
    ])
    expect(rows).toEqual([])
  })
})

test('a session is asked of the database once, not for each request', async () => {
  const { call } = await signIn(api)
  await call('/v1/policies')
  await api.database.query('ALTER TABLE pixwarden.sessions RENAME TO gone')
  try {
    expect((await call('/v1/policies')).status).toBe(200)
  } finally {
    await api.database.query('ALTER TABLE pixwarden.gone RENAME TO sessions')
  }
})
