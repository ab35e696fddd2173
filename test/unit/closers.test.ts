import { EventEmitter, once } from 'node:events'
import { expect, test } from 'vitest'
import { Closers, startStop } from '../../services/core/infra/lifecycle.ts'

test('the last part is closed first, and the next when that is done', async () => {
  const closed: string[] = []
  const closers = new Closers()
  closers.push(() => closed.push('database'))
  closers.push(async () => {
    await new Promise((resolve) => setImmediate(resolve))
    closed.push('queue')
  })
  closers.push(() => closed.push('server'))
  await closers.close()
  expect(closed).toEqual(['server', 'queue', 'database'])
})

test('every part is closed though some fail, and the first failure is reported', async () => {
  const closed: string[] = []
  const closers = new Closers()
  closers.push(() => closed.push('database'))
  closers.push(() => Promise.reject(new Error('second')))
  closers.push(() => {
    throw new Error('first')
  })
  await expect(closers.close()).rejects.toThrow('first')
  expect(closed).toEqual(['database'])
})

test('each part is closed once, however often', async () => {
  let times = 0
  const closers = new Closers()
  closers.push(() => times++)
  await closers.close()
  await closers.close()
  expect(times).toBe(1)
})

test('a stop in the middle of a start closes what the start opens', async () => {
  const events: string[] = []
  const gate = new EventEmitter()
  const service = startStop(
    async () => {
      await once(gate, 'open')
      events.push('opened')
    },
    async () => void events.push('closed'),
  )
  const started = service.start()
  const stopped = service.stop()
  gate.emit('open')
  await Promise.all([started, stopped])
  expect(events).toEqual(['opened', 'closed'])
})

test('a start that failed is stopped all the same', async () => {
  let closed = false
  const service = startStop(
    () => Promise.reject(new Error('no')),
    async () => {
      closed = true
    },
  )
  await expect(service.start()).rejects.toThrow('no')
  await service.stop()
  expect(closed).toBe(true)
})
