import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createMetrics } from '../../services/core/infra/metrics.ts'
import { keepReviews } from '../../services/worker/keep-reviews.ts'
import { collectLog } from '../support/collect-log.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('claims that have expired are released to the last, skips are forgotten each minute, and nothing else is asked of the database', async () => {
  const { log, lines } = collectLog()
  const metrics = createMetrics()
  let expired = 0
  const reviews = {
    openReviews: vi.fn(async () => ({ open: 300, oldestSeconds: 7, expired })),
    releaseExpired: vi.fn(async ({ limit }: { limit: number }) => {
      const released = Math.min(limit, expired)
      expired -= released
      return released
    }),
    forgetSkips: vi.fn(async () => {}),
  }
  const keeper = keepReviews({ reviews, metrics, log })
  await vi.advanceTimersByTimeAsync(58_000)
  expect(reviews.openReviews).toHaveBeenCalledTimes(29)
  expect(reviews.releaseExpired).not.toHaveBeenCalled()
  expect(reviews.forgetSkips).not.toHaveBeenCalled()
  expired = 250
  await vi.advanceTimersByTimeAsync(2000)
  expect(expired).toBe(0)
  expect(reviews.releaseExpired).toHaveBeenCalledTimes(3)
  expect(reviews.forgetSkips).toHaveBeenCalledTimes(1)
  expect((await metrics.reviewsOpen.get()).values).toMatchObject([{ value: 300 }])
  await keeper.stop()
  await vi.advanceTimersByTimeAsync(120_000)
  expect(reviews.openReviews).toHaveBeenCalledTimes(30)
  expect(reviews.forgetSkips).toHaveBeenCalledTimes(1)
  expect(lines).toEqual([])
})
