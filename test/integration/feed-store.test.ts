import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { FEED_TYPES, type FeedPosition } from '../../services/core/domain/feed.ts'
import { openDatabase } from '../../services/core/infra/database.ts'
import type { FeedPage, FeedStore } from '../../services/core/infra/feed-store.ts'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { migrate } from '../../services/core/infra/migrate.ts'
import { packageRoot } from '../../services/core/infra/package-root.ts'
import { createPgFeedStore } from '../../services/core/infra/pg-feed-store.ts'
import { type NewEvents, untilSettled, writeEvents } from '../support/feed.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { openTestStore, type TestStore } from '../support/test-store.ts'

let opened: TestStore
let store: FeedStore
const clients: Client[] = []

beforeAll(async () => {
  opened = await openTestStore()
  store = createPgFeedStore(opened.database)
})
afterAll(async () => {
  await Promise.all(clients.map((client) => client.end()))
  await opened?.close()
})
beforeEach(async () => {
  await opened.server.query('DELETE FROM pixwarden.events')
  await opened.server.query("UPDATE pixwarden.feed_horizon SET xid = '0'")
})

const START: FeedPosition = { xid: 1n, seq: 0n }

async function read(
  after = START,
  { tenant = 'default', types = FEED_TYPES as readonly (typeof FEED_TYPES)[number][], limit = 100 } = {},
) {
  const [page] = await store.read([{ tenant, after }], { types, limit })
  return page as FeedPage
}
async function write(...[numbers, options]: [number[], NewEvents?]): Promise<void> {
  await writeEvents(opened.server, numbers, options)
  await settled()
}
const settled = () => untilSettled(opened.server)
const numbersOf = ({ events }: FeedPage) => events.map(({ body }) => JSON.parse(body).data.n)

/** Writes in a transaction that ends when it is told to. */
async function begin(numbers: number[]): Promise<Client> {
  const client = new Client({ connectionString: opened.server.url })
  clients.push(client)
  await client.connect()
  await client.query('BEGIN')
  await writeEvents(client, numbers)
  return client
}

describe('the order of events', () => {
  test('is that in which their transactions began: one that ends late is neither missed nor read twice by whoever has read on meanwhile', async () => {
    await write([1])
    const first = await read()
    expect(numbersOf(first)).toEqual([1])

    const early = await begin([2, 3])
    await writeEvents(opened.server, [4])
    const meanwhile = await read(first.position)
    expect(meanwhile).toMatchObject({ events: [], held: true, more: false })

    await early.query('COMMIT')
    await settled()
    const after = await read(meanwhile.position)
    expect(numbersOf(after)).toEqual([2, 3, 4])
    expect(after).toMatchObject({ held: false })
    expect(numbersOf(await read(after.position))).toEqual([])
    expect(numbersOf(await read())).toEqual([1, 2, 3, 4])
  })

  test('does not wait for what is rolled back', async () => {
    const early = await begin([1])
    await writeEvents(opened.server, [2])
    expect(await read()).toMatchObject({ events: [], held: true })
    await early.query('ROLLBACK')
    await settled()
    expect(numbersOf(await read())).toEqual([2])
  })

  test('is kept, nothing missed and nothing twice, while twenty write and end out of order and one reads', async () => {
    const writers = Array.from({ length: 20 }, async (_, writer) => {
      const client = new Client({ connectionString: opened.server.url })
      clients.push(client)
      await client.connect()
      for (let round = 0; round < 20; round++) {
        await client.query('BEGIN')
        await writeEvents(client, [writer * 100 + 2 * round])
        await client.query('SELECT pg_sleep($1)', [0.02 * Math.random()])
        await writeEvents(client, [writer * 100 + 2 * round + 1])
        await client.query(round % 7 === 0 ? 'ROLLBACK' : 'COMMIT')
      }
    })
    const written = Promise.all(writers)
    let over = false
    const ending = written.finally(() => {
      over = true
    })
    const seen: number[] = []
    let position = START
    for (let last = false; !last; ) {
      last = over
      const page = await read(position, { limit: 7 })
      seen.push(...numbersOf(page))
      position = page.position
      last &&= !page.more && !page.held
    }
    await ending
    const { rows } = await opened.server.query("SELECT (body::json->'data'->>'n')::int AS n FROM pixwarden.events")
    expect(seen).toHaveLength(rows.length)
    expect(new Set(seen)).toEqual(new Set(rows.map(({ n }) => n)))
  })
})

describe('a page', () => {
  test('has the events of one tenant and of the types that are asked for', async () => {
    await write([1])
    await write([2], { type: 'review.claimed' })
    await write([3], { tenant: 'other' })
    expect(numbersOf(await read())).toEqual([1, 2])
    expect(numbersOf(await read(START, { types: ['review.claimed'] }))).toEqual([2])
    expect(numbersOf(await read(START, { tenant: 'other' }))).toEqual([3])
    expect(numbersOf(await read(START, { tenant: 'nobody' }))).toEqual([])
    const pages = await store.read(
      ['other', 'nobody', 'default'].map((tenant) => ({ tenant, after: START })),
      { types: FEED_TYPES, limit: 1 },
    )
    expect(pages.map(numbersOf)).toEqual([[3], [], [1]])
    expect(pages.map(({ more }) => more)).toEqual([true, false, true])
  })

  test('never has a test of a webhook', async () => {
    await write([1], { type: 'webhook.test' as 'upload.decided' })
    expect(numbersOf(await read())).toEqual([])
  })

  test('that is full is continued where it ends, and one that is not after everything that there is', async () => {
    await write([1, 2, 3])
    const page = await read(START, { limit: 2 })
    expect([numbersOf(page), page.more]).toEqual([[1, 2], true])
    const rest = await read(page.position, { limit: 2 })
    expect([numbersOf(rest), rest.more]).toEqual([[3], false])
    await write([4], { type: 'review.claimed' })
    const none = await read(rest.position, { types: ['upload.decided'] })
    expect(numbersOf(await read(none.position))).toEqual([])
    await write([5])
    expect(numbersOf(await read(none.position))).toEqual([5])
    expect(numbersOf(await read(await store.head()))).toEqual([])
  })

  test('is read from an index, however many events there are', async () => {
    await opened.server.query(
      `INSERT INTO pixwarden.events (id, tenant, type, body, created_at)
       SELECT gen_random_uuid(), 'tenant' || n % 10, 'upload.decided', '{}', now() FROM generate_series(1, 20000) AS n`,
    )
    await opened.server.query('ANALYZE pixwarden.events')
    await settled()
    const { position } = await read(START, { tenant: 'tenant1', limit: 1000 })
    const { rows } = await opened.database.run<{ 'QUERY PLAN': string }>(
      {
        name: 'explain-feed',
        text: `EXPLAIN (ANALYZE, COSTS OFF)
          SELECT * FROM unnest($1::text[], $2::xid8[], $3::bigint[]) AS place(tenant, xid, seq) LEFT JOIN LATERAL (
            SELECT * FROM events WHERE tenant = place.tenant AND (xid, seq) > (place.xid, place.seq) AND type = ANY ($4)
            ORDER BY xid, seq LIMIT $5) AS event ON true`,
      },
      [['tenant1'], [String(position.xid)], [String(position.seq)], FEED_TYPES, 100],
    )
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
    expect(plan).toContain('Index Scan using events_feed')
    expect(plan).not.toContain('Sort')
  })
})

describe('a place', () => {
  test('before events that were deleted is lost', async () => {
    await write([1])
    const before = await read()
    await write([2])
    const after = await read(before.position)
    await opened.server.query(
      'UPDATE pixwarden.feed_horizon SET xid = (SELECT max(xid::text::bigint)::text::xid8 FROM pixwarden.events)',
    )
    expect(await read(before.position)).toMatchObject({ events: [], lost: true })
    expect(await read(after.position)).toMatchObject({ events: [], lost: false })
  })

  test('is not lost when it is the last there is, whatever was deleted beyond it while an older transaction is under way', async () => {
    const early = await begin([1])
    await writeEvents(opened.server, [2])
    await opened.server.query('UPDATE pixwarden.feed_horizon SET xid = (SELECT xid FROM pixwarden.events)')
    const head = await store.head()
    expect(await read(head)).toMatchObject({ events: [], held: true, lost: false })
    await early.query('COMMIT')
    await settled()
    const told = await read(head)
    expect(told).toMatchObject({ events: [], lost: true })
    expect(await read(told.position)).toMatchObject({ events: [], lost: false })
  })

  test('of a database server that was ahead of this one is lost, and where to go on is a place of this one', async () => {
    const ahead = await read({ xid: 10n ** 15n, seq: 1n })
    expect(ahead).toMatchObject({ events: [], lost: true, held: false })
    await write([1])
    expect(numbersOf(await read(ahead.position))).toEqual([1])
  })
})

test('events that a dump brought from another server are read before new ones, and not when this one has counted so far', async () => {
  await write([1, 2, 3])
  await write([4], { tenant: 'other' })
  await opened.server.query("UPDATE pixwarden.events SET xid = '4000000000000'")
  await opened.server.query("UPDATE pixwarden.feed_horizon SET xid = '3000000000000'")
  expect(await read()).toMatchObject({ events: [], lost: true })
  await store.adoptRestored()
  await write([5])
  const { position } = await read()
  expect(position.xid).toBeLessThan(10n ** 12n)
  await opened.server.query("UPDATE pixwarden.feed_horizon SET xid = '0'")
  expect(numbersOf(await read())).toEqual([1, 2, 3, 5])
  expect(numbersOf(await read(START, { tenant: 'other' }))).toEqual([4])
  const before = await opened.server.query('SELECT id, xid FROM pixwarden.events ORDER BY id')
  await store.adoptRestored()
  expect((await opened.server.query('SELECT id, xid FROM pixwarden.events ORDER BY id')).rows).toEqual(before.rows)
})

test('events that were there before there was a feed are the first ones in it', async () => {
  const folder = path.join(packageRoot, 'services', 'core', 'infra', 'migrations')
  const early = await mkdtemp(path.join(os.tmpdir(), 'pixwarden-migrations-'))
  const server = await createTestDatabase()
  const config = { databaseUrl: server.url, databaseSchema: 'pixwarden', redisUrl: 'redis://unused' }
  try {
    for (const name of await readdir(folder)) if (name < '0031') await cp(path.join(folder, name), path.join(early, name))
    await migrate(config, silentLogger(), early)
    await writeEvents(server, [1])
    await writeEvents(server, [2])
    await migrate(config, silentLogger())
    await writeEvents(server, [3])
    await untilSettled(server)
    const database = openDatabase({ url: server.url, schema: 'pixwarden', pool: 1, log: silentLogger() })
    const [page] = await createPgFeedStore(database).read([{ tenant: 'default', after: START }], { types: FEED_TYPES, limit: 10 })
    await database.close()
    expect(numbersOf(page as FeedPage)).toEqual([1, 2, 3])
  } finally {
    await server.drop()
    await rm(early, { recursive: true })
  }
})
