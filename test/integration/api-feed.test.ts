import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { formatCursor } from '../../services/core/domain/feed.ts'
import { startApi, type TestApi } from '../support/api.ts'
import { type FeedReader, type NewEvents, openFeed, untilSettled, writeEvents } from '../support/feed.ts'
import { socketClosed } from '../support/socket-closed.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { newConclusion, newUpload } from '../support/test-store.ts'
import { waitFor } from '../support/wait-for.ts'

let api: TestApi
const readers: FeedReader[] = []

beforeAll(async () => {
  api = await startApi()
})
afterAll(() => api?.discard())
afterEach(async () => {
  for (const reader of readers.splice(0)) reader.close()
  await waitFor(async () => (await metric('pixwarden_feed_readers')) === 0, { what: 'readers to have left' })
})

async function open(options: Partial<Parameters<typeof openFeed>[1]> = {}, url = api.url): Promise<FeedReader> {
  const reader = await openFeed(url, { key: api.key, ...options })
  readers.push(reader)
  return reader
}
async function write(numbers: number[], options?: NewEvents): Promise<void> {
  await writeEvents(api.database, numbers, options)
  await untilSettled(api.database)
}
const metric = async (name: string) => {
  const text = await (await api.call('/metrics')).text()
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
}
type Page = { items: { cursor: string; type: string; data: { n: number } }[]; next_cursor: string; reset?: true; code?: string }
const poll = async (query = ''): Promise<Page> => (await api.call(`/v1/feed/poll${query}`)).json() as Promise<Page>
const numbersOf = ({ items }: Page) => items.map(({ data }) => data.n)
const OLD_CURSOR = formatCursor({ xid: 1n, seq: 0n })

describe('a reader', () => {
  test('is greeted with a cursor, and told of what happens from then on as it happens', async () => {
    await write([1])
    const reader = await open()
    expect(reader.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      'x-request-id': expect.any(String),
    })
    const [hello] = await reader.hears(1)
    expect(hello).toMatchObject({ event: 'hello', data: { cursor: hello?.id } })
    expect(reader.state.retryMs).toBeGreaterThanOrEqual(1000)
    const writtenAt = performance.now()
    await write([2, 3])
    await reader.hears(3)
    expect(reader.numbers()).toEqual([2, 3])
    expect(reader.heard[1]).toMatchObject({
      event: 'upload.decided',
      data: { type: 'upload.decided', timestamp: expect.any(String) },
    })
    expect((reader.heard[1]?.atMs ?? 0) - writtenAt).toBeLessThan(1000)
  })

  test('hears of a decision and of the review that it opens, in the same text that webhooks get', async () => {
    const reader = await open()
    const upload = newUpload()
    await api.uploads.insert(upload)
    await api.conclude(upload.id, newConclusion({ action: 'flag', reasonCodes: ['animals'] }))
    const [, decided, opened] = await reader.hears(3)
    expect([decided?.event, opened?.event]).toEqual(['upload.decided', 'review.opened'])
    const { rows } = await api.database.query('SELECT body FROM pixwarden.events WHERE upload_id = $1 ORDER BY seq', [upload.id])
    expect([decided?.data, opened?.data]).toEqual(rows.map(({ body }) => JSON.parse(body)))
  })

  test('hears only of its own tenant, and only of the types that it names', async () => {
    const other = await open({ key: await api.createKey(['review'], 'other') })
    const claims = await open({ query: '?types=review.claimed,review.released' })
    const all = await open()
    await write([1])
    await write([2], { type: 'review.claimed' })
    await write([3], { tenant: 'other' })
    await write([4], { type: 'review.released' })
    await write([5], { tenant: 'other', type: 'review.claimed' })
    await Promise.all([other.hears(3), claims.hears(3), all.hears(4)])
    expect([other.numbers(), claims.numbers(), all.numbers()]).toEqual([
      [3, 5],
      [2, 4],
      [1, 2, 4],
    ])
  })

  test.each([
    ['the header Last-Event-ID', (id: string) => ({ lastEventId: id, query: `?cursor=${OLD_CURSOR}` })],
    ['the parameter cursor', (id: string) => ({ query: `?cursor=${id}` })],
  ])('that comes back with %s gets what it has missed, and then what happens', async (_how, place) => {
    const first = await open()
    await write([1, 2])
    await first.hears(3)
    first.close()
    await write([3])
    await write([4])
    const second = await open(place(first.heard[1]?.id ?? ''))
    await write([5])
    await second.hears(4)
    expect(second.heard.map(({ event }) => event)).not.toContain('hello')
    expect(second.numbers()).toEqual([2, 3, 4, 5])
  })

  test('that comes back after a long time gets everything, page by page, and joins the others', async () => {
    const hello = (await (await open()).hears(1))[0]
    const missed = Array.from({ length: 1234 }, (_, n) => n)
    await write(missed)
    const reader = await open({ lastEventId: hello?.id })
    await write([5000])
    await reader.hears(1235)
    expect(reader.numbers()).toEqual([...missed, 5000])
  })

  test('that was away for longer than events are kept is told so, and hears of what happens now', async () => {
    const first = await open()
    const [{ id } = {}] = await first.hears(1)
    first.close()
    await waitFor(async () => (await metric('pixwarden_feed_readers')) === 0, { what: 'it to have left' })
    await write([1])
    await api.database.query(
      'UPDATE pixwarden.feed_horizon SET xid = (SELECT xid FROM pixwarden.events ORDER BY seq DESC LIMIT 1)',
    )
    const reader = await open({ lastEventId: id })
    const [reset] = await reader.hears(1)
    expect(reset).toMatchObject({ event: 'reset', id: expect.any(String), data: { cursor: reset?.id } })
    await write([2])
    await reader.hears(2)
    expect(reader.numbers()).toEqual([2])
    const again = await open({ lastEventId: reset?.id })
    await again.hears(1)
    expect(again.numbers()).toEqual([2])
  })

  test('that names no place or type of ours is answered with a problem', async () => {
    for (const query of [
      '?cursor=MS4w.',
      '?cursor=bm9uZQ',
      '?cursor=MDEuMA',
      '?types=',
      '?types=upload.decided,',
      '?types=webhook.test',
      '?type=x',
    ])
      for (const route of ['/v1/feed', '/v1/feed/poll']) {
        const response = await api.call(`${route}${query}`)
        expect(response.status, route + query).toBe(400)
        expect(await response.json()).toMatchObject({ code: 'invalid-request' })
      }
    expect((await api.call('/v1/feed', { headers: { 'last-event-id': 'x' } })).status).toBe(400)
  })

  test.each(['/v1/feed', '/v1/feed/poll'])('of %s needs the scope review', async (route) => {
    const intake = await api.createKey(['intake'])
    expect((await api.call(route, { headers: { authorization: `Bearer ${intake}` } })).status).toBe(403)
    expect((await fetch(`${api.url}${route}`)).status).toBe(401)
  })

  test('hears of what other moderators do', async () => {
    const flagged = newUpload()
    await api.uploads.insert(flagged)
    await api.conclude(flagged.id, newConclusion({ action: 'flag', reasonCodes: ['animals'] }))
    const reader = await open({ query: '?types=review.claimed,review.released' })
    const claimed = await api.call('/v1/reviews/next', { method: 'POST' })
    const { items } = (await claimed.json()) as { items: { id: string; upload: { id: string }; claim: { by: unknown } }[] }
    const [review] = items
    await api.call(`/v1/reviews/${review?.id}/release`, { method: 'POST' })
    const [, claim, release] = await reader.hears(3)
    expect([claim?.event, claim?.data.data]).toMatchObject([
      'review.claimed',
      { id: review?.id, state: 'claimed', upload: { id: review?.upload.id }, claim: { by: review?.claim.by } },
    ])
    expect([release?.event, release?.data.data]).toMatchObject(['review.released', { id: review?.id, state: 'open' }])
  })

  test.each([
    [
      'key is revoked',
      async () => {
        const { id, secret } = await api.keys.create({ tenant: 'default', name: 'short-lived', scopes: ['review'] })
        return { key: secret, end: () => api.keys.revoke(id) }
      },
    ],
    [
      'session is signed out of',
      async () => {
        const signIn = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ key: api.key }) }
        const response = await fetch(`${api.url}/v1/session`, signIn)
        const cookie = response.headers.get('set-cookie')?.split(';')[0] ?? ''
        const { csrf_token } = (await response.json()) as { csrf_token: string }
        const end = () =>
          fetch(`${api.url}/v1/session`, { method: 'DELETE', headers: { cookie, 'x-csrf-token': csrf_token, origin: api.url } })
        return { key: cookie, end }
      },
    ],
  ])('is kept awake, and let go once its %s', async (_what, begin) => {
    const { key, end } = await begin()
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    try {
      const [mine, other] = [await open({ key }), await open()]
      vi.advanceTimersByTime(15_000)
      await waitFor(() => mine.state.comments > 0, { what: 'a comment' })
      await end()
      await waitFor(
        () => {
          vi.advanceTimersByTime(20_000)
          return mine.state.ended
        },
        { what: 'the end' },
      )
      expect(other.state.ended).toBe(false)
    } finally {
      vi.useRealTimers()
    }
  })

  test('is counted, and what it gets', async () => {
    const events = await metric('pixwarden_feed_events_total')
    const pair = [await open(), await open()]
    expect(await metric('pixwarden_feed_readers')).toBe(2)
    await write([1, 2])
    for (const reader of pair) await reader.hears(3)
    expect(await metric('pixwarden_feed_events_total')).toBe(events + 4)
  })

  test('may ask with HEAD whether the feed is there only in vain: it would never hear the end', async () => {
    expect((await api.call('/v1/feed', { method: 'HEAD' })).status).toBe(404)
  })
})

describe('who polls', () => {
  test('gets a place to begin at, then what has happened since, each event once', async () => {
    await write([1])
    const begun = await poll()
    expect(begun).toMatchObject({ items: [], next_cursor: expect.any(String) })
    await write([2, 3, 4])
    await write([5], { type: 'review.claimed' })
    const first = await poll(`?limit=2&cursor=${begun.next_cursor}`)
    expect([numbersOf(first), first.next_cursor]).toEqual([[2, 3], first.items[1]?.cursor])
    const second = await poll(`?cursor=${first.next_cursor}`)
    expect(numbersOf(second)).toEqual([4, 5])
    expect(second.items[1]).toMatchObject({ type: 'review.claimed', timestamp: expect.any(String) })
    expect(numbersOf(await poll(`?cursor=${second.next_cursor}`))).toEqual([])
    expect(numbersOf(await poll(`?types=review.claimed&cursor=${begun.next_cursor}`))).toEqual([5])
  })

  test('may wait for what happens, and is answered when it does', async () => {
    const { next_cursor } = await poll()
    const waiting = poll(`?wait=20&types=review.released&cursor=${next_cursor}`)
    await waitFor(async () => (await metric('pixwarden_feed_readers')) === 1, { what: 'the poll to wait' })
    await write([1])
    await write([2], { type: 'review.released' })
    expect(numbersOf(await waiting)).toEqual([2])
  })

  test('may wait from now on, whenever that is', async () => {
    let answer: Page | undefined
    const waiting = poll('?wait=20').then((page) => {
      answer = page
    })
    const heard = async () => {
      await write([1])
      return answer
    }
    expect(numbersOf(await waitFor(heard, { what: 'an answer' }))).toContain(1)
    await waiting
  })

  test('is told when nothing has happened, and where to go on', async () => {
    const begun = await poll()
    await write([1], { tenant: 'other' })
    const nothing = await poll(`?wait=0.2&cursor=${begun.next_cursor}`)
    expect(nothing.items).toEqual([])
    await write([2])
    expect(numbersOf(await poll(`?cursor=${nothing.next_cursor}`))).toEqual([2])
  })

  test('is told when events are gone', async () => {
    await write([1])
    await api.database.query(
      'UPDATE pixwarden.feed_horizon SET xid = (SELECT xid FROM pixwarden.events ORDER BY seq DESC LIMIT 1)',
    )
    const page = await poll(`?wait=5&cursor=${OLD_CURSOR}`)
    expect(page).toMatchObject({ items: [], reset: true })
    await write([2])
    expect(numbersOf(await poll(`?cursor=${page.next_cursor}`))).toEqual([2])
  })

  test('and goes away takes no place any more', async () => {
    const leaving = new AbortController()
    const asked = api.call('/v1/feed/poll?wait=30', { signal: leaving.signal }).catch(() => 'left')
    await waitFor(async () => (await metric('pixwarden_feed_readers')) === 1, { what: 'the poll to wait' })
    leaving.abort()
    expect(await asked).toBe('left')
    await waitFor(async () => (await metric('pixwarden_feed_readers')) === 0, { what: 'it to have left' })
  })
})

describe('a feed of few places', () => {
  let small: TestApi
  beforeAll(async () => {
    small = await startApi({ env: { PIXWARDEN_FEED_READERS: '2' } })
  })
  afterAll(() => small?.discard())

  test('refuses more readers with 503, until one leaves', async () => {
    const options = { key: small.key }
    const [first] = [await open(options, small.url), await open(options, small.url)]
    for (const route of ['/v1/feed', '/v1/feed/poll']) {
      const refused = await small.call(route)
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '10'])
      expect(await refused.json()).toMatchObject({ code: 'too-many-readers' })
    }
    first?.close()
    await waitFor(async () => (await small.call('/v1/feed/poll')).ok, { what: 'a place' })
  })

  test('ends its streams and answers its polls when it stops, at once', async () => {
    const stopping = await startApi()
    const reader = await open({ key: stopping.key }, stopping.url)
    const waiting = stopping.call('/v1/feed/poll?wait=30')
    await waitFor(async () => (await (await stopping.call('/metrics')).text()).includes('pixwarden_feed_readers 2'), {
      what: 'both',
    })
    const startedAt = performance.now()
    await stopping.discard()
    expect(performance.now() - startedAt).toBeLessThan(5000)
    expect(await (await waiting).json()).toMatchObject({ items: [], next_cursor: expect.any(String) })
    await waitFor(() => reader.state.ended, { what: 'the end' })
  })
})

test('a reader that takes nothing is dropped, and holds up no other', async () => {
  const stuck = connect(api.port, '127.0.0.1')
  stuck.on('error', () => {})
  stuck.write(`GET /v1/feed HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${api.key}\r\n\r\n`)
  await once(stuck, 'readable')
  const reader = await open()
  const padding = 'x'.repeat(500_000)
  let n = 0
  await waitFor(
    async () => {
      await write([n++], { padding })
      await reader.hears(n + 1)
      return (await metric('pixwarden_feed_dropped_readers_total')) === 1
    },
    { what: 'the stuck reader to be dropped', timeoutMs: 25_000 },
  )
  expect(reader.numbers()).toEqual(Array.from({ length: n }, (_, i) => i))
  expect(api.logged.join('\n')).toContain('did not take what came')
  stuck.resume()
  await socketClosed(stuck)
})

describe('when the database', () => {
  test('ends the connection that listens, readers miss nothing', async () => {
    const reader = await open()
    const listening = `SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity
      WHERE query = 'LISTEN pixwarden_feed' AND datname = current_database()`
    expect((await api.database.query(listening)).rows).toEqual([{ ended: true }])
    await write([1])
    await reader.hears(2)
    await waitFor(async () => (await api.database.query(listening)).rows.length === 1, { what: 'another connection' })
    await write([2])
    await reader.hears(3)
    expect(reader.numbers()).toEqual([1, 2])
  })

  describe('is out of reach', () => {
    let proxy: TcpProxy
    let cut: TestApi
    beforeAll(async () => {
      cut = await startApi({
        through: async (url) => {
          proxy = await startTcpProxy(url)
          return proxy.url
        },
      })
    })
    afterAll(async () => {
      await cut?.discard()
      await proxy?.close()
    })

    test('readers stay and miss nothing, and those that come are told to try again', async () => {
      const reader = await open({ key: cut.key }, cut.url)
      await reader.hears(1)
      const other = await cut.createKey(['review'], 'other')
      await (await cut.call('/v1/policies', { headers: { authorization: `Bearer ${other}` } })).text()
      await proxy.cut()
      await writeEvents(cut.database, [1])
      const refused = await cut.call('/v1/feed', { headers: { authorization: `Bearer ${other}` } })
      expect(refused.status).toBe(503)
      expect(refused.headers.get('content-type')).toContain('application/problem+json')
      await writeEvents(cut.database, [2])
      await proxy.mend()
      await reader.hears(3, 20_000)
      expect(reader.numbers()).toEqual([1, 2])
    })
  })
})
