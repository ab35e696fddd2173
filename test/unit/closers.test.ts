import { expect, test } from 'vitest'
import { Closers } from '../../services/core/infra/lifecycle.ts'

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
