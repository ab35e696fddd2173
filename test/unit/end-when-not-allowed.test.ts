import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { endWhenNotAllowed } from '../../services/api/feed/end-when-not-allowed.ts'
import { AppError } from '../../services/core/domain/errors.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A stream that is watched for a minute. */
async function watched(isStillAllowed: () => Promise<boolean>, gone = new AbortController()) {
  const end = vi.fn(() => gone.abort())
  endWhenNotAllowed({ gone: gone.signal, end }, isStillAllowed)
  await vi.advanceTimersByTimeAsync(60_000)
  return { end, timers: vi.getTimerCount() }
}

test('a stream ends once its key is not allowed it any more, and is not asked about again', async () => {
  const answers = [true, false]
  const isStillAllowed = vi.fn(async () => answers.shift() ?? true)
  const { end, timers } = await watched(isStillAllowed)
  expect(end).toHaveBeenCalledOnce()
  expect([isStillAllowed.mock.calls.length, timers]).toEqual([2, 0])
})

test('it goes on while the database cannot be asked', async () => {
  const { end } = await watched(() => Promise.reject(new AppError('store-unavailable', 'away')))
  expect(end).not.toHaveBeenCalled()
})

test('it ends when nobody is asked because wrong keys keep coming from the same address: whose key is revoked could see to that', async () => {
  const { end } = await watched(() => Promise.reject(new AppError('rate-limited', 'too many wrong keys')))
  expect(end).toHaveBeenCalledOnce()
})

test('one whose reader went before it began is never asked about', async () => {
  const gone = new AbortController()
  gone.abort()
  const isStillAllowed = vi.fn(async () => true)
  expect((await watched(isStillAllowed, gone)).timers).toBe(0)
  expect(isStillAllowed).not.toHaveBeenCalled()
})
