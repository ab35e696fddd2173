import { Writable } from 'node:stream'
import { pino } from 'pino'
import { v4 as uuid } from 'uuid'
import { afterEach, describe, expect, test } from 'vitest'
import { createUploadConsumer, createUploadQueue } from '../../services/core/infra/bullmq-queue.ts'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { migrate } from '../../services/core/infra/migrate.ts'
import type { QueueConnection } from '../../services/core/infra/queue-connection.ts'
import { freePort } from '../../services/standalone/ports.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { redisMissing, startRedis, type TestRedis } from '../support/redis.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { waitFor } from '../support/wait-for.ts'

/** The limits in time are close: on a machine that is busy with others a test may have to be run again. */
const BUSY = { retry: 2 }

describe.skipIf(redisMissing())('with Redis away', BUSY, () => {
  const opened: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const close of opened.splice(0).reverse()) await close()
  })

  async function start(port: number, args: string[] = []): Promise<TestRedis> {
    const redis = await startRedis({ port, args })
    opened.push(() => redis.kill())
    return redis
  }

  async function setup(log = silentLogger()) {
    const port = await freePort('127.0.0.1')
    const connection: QueueConnection = { kind: 'redis', url: `redis://127.0.0.1:${port}`, prefix: '{outage}' }
    const openQueue = () => {
      const queue = createUploadQueue(connection, { log })
      opened.push(() => queue.close())
      return queue
    }
    const consume = async () => {
      const ids: string[] = []
      const handler = async ({ uploadId }: { uploadId: string }) => void ids.push(uploadId)
      const consumer = createUploadConsumer(connection, { concurrency: 2, handler, log })
      await consumer.start()
      opened.push(() => consumer.stop())
      return ids
    }
    return { port, openQueue, consume }
  }

  test('from the start, enqueueing is refused within 250 ms, and works once Redis is there', async () => {
    const { port, openQueue, consume } = await setup()
    const queue = openQueue()
    const ids = await consume()
    expect(await refusalMs(() => queue.enqueue(uuid()))).toBeLessThan(250)
    await start(port)
    const id = uuid()
    await waitFor(() => queue.enqueue(id).then(() => true), { what: 'Redis to be reached' })
    await waitFor(() => ids.includes(id), { what: 'the job' })
  })

  test('for a while, enqueueing is refused within 250 ms, and works once Redis is back', async () => {
    const { port, openQueue, consume } = await setup()
    const redis = await start(port)
    const queue = openQueue()
    const ids = await consume()
    await waitFor(() => queue.enqueue(uuid()).then(() => true), { what: 'the queue to be reached' })
    await waitFor(() => ids.length > 0, { what: 'the first job' })
    await redis.kill()
    for (let i = 0; i < 5; i++) expect(await refusalMs(() => queue.enqueue(uuid()))).toBeLessThan(250)
    await start(port)
    const id = uuid()
    await waitFor(() => queue.enqueue(id).then(() => true), { what: 'Redis to be reached' })
    await waitFor(() => ids.includes(id), { what: 'the job' })
  })

  test('because it hangs, enqueueing is refused within 250 ms', async () => {
    const { port, openQueue } = await setup()
    const redis = await start(port)
    const queue = openQueue()
    await waitFor(() => queue.enqueue(uuid()).then(() => true), { what: 'Redis to be reached' })
    process.kill(redis.pid, 'SIGSTOP')
    expect(await refusalMs(() => queue.enqueue(uuid()))).toBeLessThan(250)
    process.kill(redis.pid, 'SIGCONT')
    await waitFor(() => queue.enqueue(uuid()).then(() => true), { what: 'Redis to answer again' })
  })

  test('because it is full, enqueueing is refused', async () => {
    const { port, openQueue } = await setup()
    await start(port, ['--maxmemory', '1mb'])
    const queue = openQueue()
    await queue.counts()
    const full = { code: 'store-unavailable', cause: { message: expect.stringContaining('OOM') } }
    await expect(queue.enqueue(uuid())).rejects.toMatchObject(full)
  })

  test('a queue and a consumer still close', async () => {
    const { port, openQueue, consume } = await setup()
    const never = openQueue()
    await consume()
    await expect(never.counts()).rejects.toMatchObject({ code: 'store-unavailable' })
    const redis = await start(port)
    const lost = openQueue()
    await waitFor(() => lost.enqueue(uuid()).then(() => true), { what: 'Redis to be reached' })
    await redis.kill()
    const startedAt = performance.now()
    for (const close of opened.splice(0).reverse()) await close()
    expect(performance.now() - startedAt).toBeLessThan(10_000)
  })

  test('the log gets at most ten lines a second from each part', async () => {
    const times: number[] = []
    const log = pino(
      new Writable({
        write(_line, _encoding, done) {
          times.push(performance.now())
          done()
        },
      }),
    )
    const { openQueue } = await setup(log)
    const queue = openQueue()
    const startedAt = performance.now()
    await waitFor(() => performance.now() - startedAt > 1500, { what: 'a second and a half of trouble' })
    await queue.enqueue(uuid()).catch(() => {})
    expect(times.length).toBeGreaterThan(0)
    const busiest = Math.max(...times.map((from) => times.filter((time) => time >= from && time < from + 1000).length))
    expect(busiest).toBeLessThanOrEqual(10)
  })
})

describe('with PostgreSQL away, which is the queue', BUSY, () => {
  const opened: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of opened.splice(0).reverse()) await close()
  })

  async function setup() {
    const log = silentLogger()
    const database = await createTestDatabase()
    opened.push(() => database.drop())
    await migrate({ databaseUrl: database.url, databaseSchema: 'pixwarden', redisUrl: undefined }, log)
    const proxy = await startTcpProxy(database.url)
    opened.push(() => proxy.close())
    const connection: QueueConnection = { kind: 'postgres', url: proxy.url, schema: 'pixwarden_queue' }
    const queue = createUploadQueue(connection, { log })
    const ids: string[] = []
    const handler = async ({ uploadId }: { uploadId: string }) => void ids.push(uploadId)
    const consumer = createUploadConsumer(connection, { concurrency: 2, handler, log })
    opened.push(() => Promise.all([queue.close(), consumer.stop()]))
    await consumer.start()
    await waitFor(() => queue.enqueue(uuid()).then(() => true), { what: 'the queue to be reached' })
    await waitFor(() => ids.length > 0, { what: 'the first job' })
    return { proxy, queue, ids }
  }

  test.each(['it breaks off', 'it hangs'])(
    'when %s, enqueueing is refused within 250 ms, and works once it is back',
    async (how) => {
      const { proxy, queue, ids } = await setup()
      if (how === 'it hangs') proxy.stall()
      else await proxy.cut()
      for (let i = 0; i < 5; i++) expect(await refusalMs(() => queue.enqueue(uuid()))).toBeLessThan(250)
      if (how === 'it hangs') await proxy.cut()
      await proxy.mend()
      const id = uuid()
      await waitFor(() => queue.enqueue(id).then(() => true), { what: 'PostgreSQL to be reached' })
      await waitFor(() => ids.includes(id), { what: 'the job' })
    },
  )

  test('a queue and a consumer still close', async () => {
    const { proxy } = await setup()
    await proxy.cut()
    const startedAt = performance.now()
    await opened.pop()?.()
    expect(performance.now() - startedAt).toBeLessThan(5000)
  })
})

async function refusalMs(enqueue: () => Promise<void>): Promise<number> {
  const startedAt = performance.now()
  await expect(enqueue()).rejects.toMatchObject({ code: 'store-unavailable' })
  return performance.now() - startedAt
}
