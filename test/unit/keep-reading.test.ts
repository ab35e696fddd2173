import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { keepReading, type Reading } from '../../services/api/feed/keep-reading.ts'
import { collectLog } from '../support/collect-log.ts'

let stop: (() => Promise<void>) | undefined
beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(async () => {
  await stop?.()
  vi.useRealTimers()
})

function start(outcomes: (Reading['outcome'] | Error)[], busyMs = 0) {
  const times: number[] = []
  const { log, lines } = collectLog()
  const reading = keepReading(async () => {
    times.push(Date.now())
    const outcome = outcomes.shift() ?? 'done'
    if (outcome instanceof Error) throw outcome
    return { outcome, busyMs }
  }, log)
  stop = reading.stop
  const startedAt = Date.now()
  return { call: reading.call, lines, times: () => times.map((time) => time - startedAt) }
}

test('a call is answered at once, and those that follow soon by one reading', async () => {
  const { call, times } = start([])
  call()
  await vi.advanceTimersByTimeAsync(5)
  for (let n = 0; n < 10; n++) call()
  await vi.advanceTimersByTimeAsync(500)
  expect(times()).toEqual([0, 25])
})

test('it reads on while there is more, and looks again while something is held, ever less often', async () => {
  const { call, times } = start(['more', 'held', 'held', 'held', 'held', 'held', 'done'])
  call()
  await vi.advanceTimersByTimeAsync(990)
  expect(times()).toEqual([0, 25, 75, 175, 375, 575, 775])
})

test('it reads once a second when nobody calls, also after it has failed', async () => {
  const { lines, times } = start([new Error('down')])
  await vi.advanceTimersByTimeAsync(3500)
  expect(times()).toEqual([1000, 2000, 3000])
  expect(lines).toMatchObject([{ level: 40, err: { message: 'down' } }])
})

test('it leaves most of the time to others', async () => {
  const { call, times } = start(['more', 'more', 'done'], 100)
  call()
  await vi.advanceTimersByTimeAsync(900)
  expect(times()).toEqual([0, 200, 400])
})
