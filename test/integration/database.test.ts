import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDatabase, withSearchPath } from '../../services/core/infra/database.ts'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { mayBeDone } from '../../services/core/infra/store-error.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { waitFor } from '../support/wait-for.ts'

const SLOW = { name: 'slow', text: 'SELECT pg_sleep(60)' }
const QUICK = { name: 'quick', text: 'SELECT 1 AS one' }

describe('the database', () => {
  let server: TestDatabase
  beforeAll(async () => {
    server = await createTestDatabase()
  })
  afterAll(() => server?.drop())

  const open = (url = server.url, pool = 2) => openDatabase({ url, schema: 'mine', pool, log: silentLogger() })
  const running = async (text: string) =>
    (await server.query("SELECT pid FROM pg_stat_activity WHERE query = $1 AND state = 'active'", [text])).rows

  test('finds its tables in its schema, whatever else the connection string asks for', async () => {
    const url = `${server.url}?options=${encodeURIComponent('-c work_mem=5MB')}`
    const database = open(url)
    const shown = { name: 'shown', text: "SELECT current_setting('search_path') AS path, current_setting('work_mem') AS memory" }
    expect((await database.run(shown, [])).rows).toEqual([{ path: 'mine', memory: '5MB' }])
    await database.close()
    expect(withSearchPath('postgres://u@h/d', 'mine')).toBe('postgres://u@h/d?options=-c+search_path%3Dmine')
  })

  test.each(['a prepared statement', 'a query'])('says so when %s is cut off, and works on', async (kind) => {
    const database = open()
    const slow = kind === 'a query' ? sql.raw(SLOW.text).execute(database.kysely) : database.run(SLOW, [])
    const refused = expect(slow).rejects.toMatchObject({ code: 'store-unavailable' })
    const [{ pid }] = await waitFor(async () => ((await running(SLOW.text)).length > 0 ? running(SLOW.text) : undefined), {
      what: 'the query',
    })
    await server.query('SELECT pg_terminate_backend($1)', [pid])
    await refused
    expect(mayBeDone(await slow.catch((error: unknown) => error))).toBe(true)
    expect((await database.run(QUICK, [])).rows).toEqual([{ one: 1 }])
    await database.close()
  })

  test('is unavailable in the middle of a transaction that loses its connection', async () => {
    const database = open()
    const broken = database.kysely.transaction().execute(async (transaction) => {
      await sql`SELECT pg_terminate_backend(pg_backend_pid())`.execute(transaction)
    })
    await expect(broken).rejects.toMatchObject({ code: 'store-unavailable' })
    expect((await database.run(QUICK, [])).rows).toEqual([{ one: 1 }])
    await database.close()
  })

  test('tells an error of ours from one of its own', async () => {
    const database = open()
    await expect(database.run({ name: 'wrong', text: 'SELECT nothing' }, [])).rejects.toMatchObject({ code: '42703' })
    await database.close()
  })

  test('is unavailable when all its connections are taken', async () => {
    const database = open(server.url, 1)
    const slow = database.run({ name: 'slowish', text: 'SELECT pg_sleep(3.5)' }, [])
    const refused = await database.run(QUICK, []).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'store-unavailable' })
    expect(mayBeDone(refused)).toBe(false)
    await slow
    await database.close()
  })

  test('is unavailable within seconds when nobody listens, and when nobody answers', async () => {
    const sockets: Socket[] = []
    const mute = createServer((socket) => void sockets.push(socket.on('error', () => {}))).listen(0, '127.0.0.1')
    await once(mute, 'listening')
    const { port } = mute.address() as AddressInfo
    const refuses = async (url: string) => {
      const database = open(url)
      const startedAt = performance.now()
      await Promise.all([
        expect(database.run(QUICK, [])).rejects.toMatchObject({ code: 'store-unavailable' }),
        expect(sql`SELECT 1`.execute(database.kysely)).rejects.toMatchObject({ code: 'store-unavailable' }),
      ])
      expect(performance.now() - startedAt).toBeLessThan(5000)
      await database.close()
    }
    await Promise.all([`postgres://u:p@127.0.0.1:${port}/d`, 'postgres://u:p@127.0.0.1:1/d'].map(refuses))
    for (const socket of sockets) socket.destroy()
    mute.close()
  })
})
