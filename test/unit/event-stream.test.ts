import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createEventStream, type EventStream } from '../../services/api/feed/event-stream.ts'
import { socketClosed } from '../support/socket-closed.ts'
import { waitFor } from '../support/wait-for.ts'

let app: FastifyInstance
let client: Socket
let stream: EventStream
let drops: number

/** A reader that has taken the head of the answer, and nothing since. */
beforeEach(async () => {
  drops = 0
  app = fastify({ forceCloseConnections: true })
  app.get('/', async (_request, reply) => {
    reply.header('x-request-id', 'mine')
    stream = createEventStream(reply, () => {
      drops++
    })
    stream.open(': hello\n\n')
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  client = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  client.on('error', () => {})
  client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  const [head] = (await once(client, 'data')) as [Buffer]
  expect(head.toString()).toMatch(/^HTTP\/1.1 200 OK\r\n.*x-request-id: mine\r\n.*content-type: text\/event-stream/s)
  client.pause()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(async () => {
  vi.useRealTimers()
  client.destroy()
  await app.close()
})

const FRAMES = Buffer.alloc(100_000, 'x')

/** Sends what is not taken; resolves to the promise of the first that had to wait. */
function fill(): Promise<void> {
  for (let sent = 0; sent < 1000; sent++) {
    const waiting = stream.send(FRAMES)
    if (waiting !== undefined) return waiting
  }
  throw new Error('nothing waits')
}

test('a reader that takes nothing is dropped after ten seconds, also when no more is sent', async () => {
  const waiting = fill()
  vi.advanceTimersByTime(9999)
  expect([drops, stream.gone.aborted]).toEqual([0, false])
  vi.advanceTimersByTime(1)
  expect([drops, stream.gone.aborted]).toEqual([1, true])
  await waiting
  expect(stream.send(FRAMES)).toBeUndefined()
  vi.advanceTimersByTime(60_000)
  expect(drops).toBe(1)
})

test('a reader that takes it in time stays', async () => {
  const waiting = fill()
  client.resume()
  await waiting
  vi.advanceTimersByTime(60_000)
  expect([drops, stream.gone.aborted]).toEqual([0, false])
})

test('a reader for which a million bytes wait is dropped when there is more', () => {
  void fill()
  for (let sent = 0; sent < 11 && drops === 0; sent++) void stream.send(FRAMES)
  expect([drops, stream.gone.aborted]).toEqual([1, true])
})

test('a stream that is ended tells nobody of a drop, and its connection is closed, whether or not its reader takes the rest', async () => {
  void fill()
  const closed = socketClosed(client)
  stream.end()
  expect([drops, stream.gone.aborted]).toEqual([0, true])
  vi.advanceTimersByTime(1000)
  client.resume()
  await closed
})

test('a reader that goes away is noticed', async () => {
  client.destroy()
  vi.useRealTimers()
  await waitFor(() => stream.gone.aborted, { what: 'it to be noticed' })
  expect(drops).toBe(0)
})
