import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { createMetrics } from '../../services/core/infra/metrics.ts'
import { startReconciler } from '../../services/worker/reconcile.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A reconciler over `pending` overdue uploads and a queue that says it holds `jobs`. */
function setup(pending: number, jobs: () => Promise<number>, delayed = 0) {
  const ids = Array.from({ length: pending }, (_, i) => `id-${String(i).padStart(5, '0')}`)
  const enqueued: string[][] = []
  const endPauses = vi.fn(async () => {})
  const metrics = createMetrics()
  const task = startReconciler({
    store: {
      pendingIds: async ({ limit, after }) => ids.slice(after === undefined ? 0 : ids.indexOf(after) + 1).slice(0, limit),
      backlog: async () => ({ overdue: pending, oldestSeconds: 7 }),
    },
    queue: {
      counts: async () => ({ waiting: await jobs(), active: 0, delayed, failed: 0 }),
      endPauses,
      enqueueAll: async (batch) => {
        enqueued.push(batch)
      },
    },
    metrics,
    log: silentLogger(),
    everyMs: 1000,
  })
  return { ids, enqueued, endPauses, metrics, task }
}

test('every overdue upload gets a job again, page by page, when the queue holds fewer', async () => {
  const { ids, enqueued, task } = setup(2500, async () => 10)
  await vi.advanceTimersByTimeAsync(1000)
  expect(enqueued.map(({ length }) => length)).toEqual([1000, 1000, 500])
  expect(enqueued.flat()).toEqual(ids)
  await task.stop()
})

test('a queue that holds them all is left alone, but for a sweep now and then', async () => {
  const { enqueued, task } = setup(5, async () => 5)
  await vi.advanceTimersByTimeAsync(30_000)
  expect(enqueued).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(30_000)
  expect(enqueued).toHaveLength(2)
  await task.stop()
})

test('a queue out of reach is tried again on the next run, and how long uploads wait is told meanwhile', async () => {
  const jobs = vi.fn(async () => 0).mockRejectedValueOnce(new Error('no connection'))
  const { enqueued, metrics, task } = setup(1, jobs)
  await vi.advanceTimersByTimeAsync(1000)
  expect(enqueued).toEqual([])
  expect((await metrics.oldestPending.get()).values).toMatchObject([{ value: 7 }])
  await vi.advanceTimersByTimeAsync(1000)
  expect(enqueued).toEqual([['id-00000']])
  await task.stop()
})

test('jobs that pause are started now and then, should they pause by a wrong clock', async () => {
  const { endPauses, task } = setup(5, async () => 4, 1)
  await vi.advanceTimersByTimeAsync(30_000)
  expect(endPauses).toHaveBeenCalledTimes(1)
  await vi.advanceTimersByTimeAsync(30_000)
  expect(endPauses).toHaveBeenCalledTimes(2)
  await task.stop()
})
