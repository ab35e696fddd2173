import { fork } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { v4 as uuid } from 'uuid'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createUploadConsumer, createUploadQueue } from '../../services/core/infra/bullmq-queue.ts'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { migrate } from '../../services/core/infra/migrate.ts'
import { packageRoot } from '../../services/core/infra/package-root.ts'
import { type QueueConnection, queueConnection } from '../../services/core/infra/queue-connection.ts'
import type { UploadHandler, UploadJob } from '../../services/core/infra/upload-queue.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { redisMissing, startRedis } from '../support/redis.ts'
import { waitFor } from '../support/wait-for.ts'

const log = silentLogger()
const EMPTY = { waiting: 0, active: 0, delayed: 0, failed: 0 }

type Backend = { connect(): Promise<QueueConnection>; close(): Promise<void> }

async function openRedis(): Promise<Backend> {
  const redis = await startRedis()
  return {
    connect: async () => ({ kind: 'redis', url: redis.url, prefix: `{${uuid()}}` }),
    close: () => redis.stop(),
  }
}

async function openPostgres(): Promise<Backend> {
  const database = await createTestDatabase()
  return {
    async connect() {
      const config = { redisUrl: undefined, databaseSchema: `s${uuid().slice(0, 8)}`, queuePrefix: '' }
      await migrate({ ...config, databaseUrl: database.url }, log)
      return queueConnection(config, database.url)
    },
    close: () => database.drop(),
  }
}

describe.each([
  { name: 'PostgreSQL', open: openPostgres, skip: false },
  { name: 'Redis', open: openRedis, skip: redisMissing() },
])('the queue on $name', ({ open, skip }) => {
  describe.skipIf(skip)('keeps its contract', () => {
    let backend: Backend
    const opened: (() => Promise<void>)[] = []

    beforeAll(async () => {
      backend = await open()
    })
    afterEach(async () => {
      for (const close of opened.splice(0).reverse()) await close()
    })
    afterAll(() => backend?.close())

    function openQueue(connection: QueueConnection) {
      const queue = createUploadQueue(connection, { log })
      opened.push(() => queue.close())
      return queue
    }

    async function consume(connection: QueueConnection, handler: UploadHandler = async () => {}, concurrency = 4) {
      const jobs: UploadJob[] = []
      const consumer = createUploadConsumer(connection, {
        concurrency,
        log,
        handler: (job) => {
          jobs.push(job)
          return handler(job)
        },
      })
      await consumer.start()
      opened.push(() => consumer.stop())
      return { jobs, ids: () => jobs.map(({ uploadId }) => uploadId), stop: () => consumer.stop() }
    }

    async function setup() {
      const connection = await backend.connect()
      const queue = openQueue(connection)
      // Connects, for which enqueueing would not wait.
      await queue.counts()
      const empty = () => waitFor(async () => same(await queue.counts(), EMPTY), { what: 'the queue to be empty' })
      return { connection, queue, empty }
    }

    test('an upload is handled once, and knows when it was enqueued', async () => {
      const { connection, queue, empty } = await setup()
      const { jobs } = await consume(connection)
      const id = uuid()
      const before = Date.now()
      await queue.enqueue(id)
      await waitFor(() => jobs.length > 0, { what: 'the job' })
      await empty()
      expect(jobs).toEqual([{ uploadId: id, enqueuedAt: expect.any(Number), failures: 0 }])
      expect(jobs[0]?.enqueuedAt).toBeGreaterThanOrEqual(before - 50)
      expect(jobs[0]?.enqueuedAt).toBeLessThanOrEqual(Date.now() + 50)
    })

    test('adding an upload again while it waits changes nothing', async () => {
      const { connection, queue, empty } = await setup()
      const id = uuid()
      await queue.enqueue(id)
      await queue.enqueue(id)
      await queue.enqueueAll([id, id])
      expect(await queue.counts()).toEqual({ ...EMPTY, waiting: 1 })
      const { ids } = await consume(connection)
      await empty()
      expect(ids()).toEqual([id])
    })

    test('adding an upload again while it is handled changes nothing; after that it is handled again', async () => {
      const { connection, queue, empty } = await setup()
      const gate = openGate()
      const { ids } = await consume(connection, () => gate.promise)
      const id = uuid()
      await queue.enqueue(id)
      await waitFor(() => ids().length > 0, { what: 'the job' })
      await queue.enqueue(id)
      await queue.enqueueAll([id])
      expect(await queue.counts()).toEqual({ ...EMPTY, active: 1 })
      gate.resolve()
      await empty()
      expect(ids()).toEqual([id])
      await queue.enqueue(id)
      await waitFor(() => ids().length > 1, { what: 'the second time' })
      await empty()
      expect(ids()).toEqual([id, id])
    })

    test('an upload whose handler throws is tried again after a pause, and knows how often it failed', async () => {
      const { connection, queue, empty } = await setup()
      const times: number[] = []
      const { jobs } = await consume(connection, async () => {
        times.push(performance.now())
        if (times.length < 3) throw new Error('as told')
      })
      await queue.enqueue(uuid())
      await waitFor(() => times.length === 3, { what: 'the third try' })
      await empty()
      const [first = 0, second = 0, third = 0] = times
      expect(second - first).toBeGreaterThan(450)
      expect(third - second).toBeGreaterThan(950)
      expect(jobs.map(({ failures }) => failures)).toEqual([0, 1, 2])
    })

    test('a job that waits for its next try is delayed, and a second consumer may take it', async () => {
      const { connection, queue, empty } = await setup()
      const first = await consume(connection, () => Promise.reject(new Error('as told')))
      const id = uuid()
      await queue.enqueue(id)
      await waitFor(async () => same(await queue.counts(), { ...EMPTY, delayed: 1 }), { what: 'the pause' })
      await first.stop()
      const second = await consume(connection)
      await empty()
      expect(second.ids()).toEqual([id])
    })

    test('a job whose pause is ended is tried again at once', async () => {
      const { connection, queue, empty } = await setup()
      const times: number[] = []
      await consume(connection, async () => {
        times.push(performance.now())
        if (times.length < 4) throw new Error('as told')
      })
      await queue.enqueue(uuid())
      await waitFor(() => times.length === 3, { what: 'the third try' })
      await waitFor(async () => (await queue.counts()).delayed === 1, { what: 'the pause of two seconds' })
      await queue.endPauses()
      await empty()
      expect((times[3] ?? 0) - (times[2] ?? 0)).toBeLessThan(1900)
    })

    test('stop waits for the jobs in hand, which are then done; others are done or wait', async () => {
      const { connection, queue } = await setup()
      const gate = openGate()
      const { ids, stop } = await consume(connection, () => gate.promise)
      await queue.enqueueAll([uuid(), uuid()])
      await waitFor(() => ids().length === 2, { what: 'the jobs' })
      let stopped = false
      const stopping = stop().then(() => {
        stopped = true
      })
      const late = uuid()
      await queue.enqueue(late)
      expect((await queue.counts()).active).toBeGreaterThanOrEqual(2)
      expect(stopped).toBe(false)
      gate.resolve()
      await stopping
      expect(await queue.counts()).toEqual({ ...EMPTY, waiting: ids().includes(late) ? 0 : 1 })
    })

    test('the job of a killed consumer starts again within 10 s, and has not failed', async () => {
      const { connection, queue } = await setup()
      const script = path.join(packageRoot, 'dist/test/support/stuck-consumer.js')
      const child = fork(script, [JSON.stringify(connection)])
      const id = uuid()
      await queue.enqueue(id)
      expect(await once(child, 'message')).toContain(id)
      const { jobs } = await consume(connection)
      child.kill('SIGKILL')
      await waitFor(() => jobs.length > 0, { timeoutMs: 10_000, what: 'the job to start again' })
      expect(jobs).toMatchObject([{ uploadId: id, failures: 0 }])
    })

    test('five hundred uploads are handled once each, so many at once and no more', async () => {
      const { connection, queue, empty } = await setup()
      let inHand = 0
      let most = 0
      const handler = async () => {
        most = Math.max(most, ++inHand)
        await new Promise((resolve) => setImmediate(resolve))
        inHand--
      }
      const added = Array.from({ length: 500 }, () => uuid())
      const [first, second] = [await consume(connection, handler, 3), await consume(connection, handler, 2)]
      await queue.enqueueAll(added)
      await waitFor(() => first.jobs.length + second.jobs.length >= added.length, { timeoutMs: 20_000, what: 'the jobs' })
      await empty()
      expect([...first.ids(), ...second.ids()].sort()).toEqual(added.sort())
      expect(most).toBeLessThanOrEqual(5)
    })

    test('two queues on one server know nothing of each other', async () => {
      const [one, other] = [await setup(), await setup()]
      const [id, otherId] = [uuid(), uuid()]
      await one.queue.enqueue(id)
      await other.queue.enqueue(otherId)
      const { ids } = await consume(other.connection)
      await other.empty()
      expect(ids()).toEqual([otherId])
      expect(await one.queue.counts()).toEqual({ ...EMPTY, waiting: 1 })
    })
  })
})

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** A promise that is resolved from outside. */
function openGate(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {}
  const promise = new Promise<void>((open) => {
    resolve = open
  })
  return { promise, resolve }
}
