import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createBatcher } from '../../services/worker/clip/batcher.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A model that takes `runMs` for a batch and keeps what it was given. */
function fakeModel(runMs: number) {
  const batches: number[][] = []
  const run = async (views: number[]) => {
    batches.push(views)
    await new Promise((resolve) => setTimeout(resolve, runMs))
    return views.map((view) => view * 10)
  }
  return { batches, run }
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

test('a full batch runs at once', async () => {
  const { batches, run } = fakeModel(20)
  const batcher = createBatcher({ maxBatch: 3, maxWaitMs: 5, run })
  const results = Promise.all([1, 2, 3].map(batcher.add))
  await pass(0)
  expect(batches).toEqual([[1, 2, 3]])
  await pass(20)
  expect(await results).toEqual([10, 20, 30])
})

test('a lone view waits for company no longer than it must', async () => {
  const { batches, run } = fakeModel(20)
  const batcher = createBatcher({ maxBatch: 8, maxWaitMs: 5, run })
  void batcher.add(1)
  await pass(3)
  void batcher.add(2)
  await pass(1)
  expect(batches).toEqual([])
  await pass(1)
  expect(batches).toEqual([[1, 2]])
})

test('views that come during a run leave together when it ends, without waiting again', async () => {
  const { batches, run } = fakeModel(20)
  const batcher = createBatcher({ maxBatch: 2, maxWaitMs: 5, run })
  for (const view of [1, 2, 3, 4, 5]) void batcher.add(view)
  await pass(20)
  expect(batches).toEqual([
    [1, 2],
    [3, 4],
  ])
  await pass(20)
  expect(batches.at(-1)).toEqual([5])
})

test('a view that came just before a run ended still waits for company', async () => {
  const { batches, run } = fakeModel(20)
  const batcher = createBatcher({ maxBatch: 2, maxWaitMs: 5, run })
  for (const view of [1, 2]) void batcher.add(view)
  await pass(18)
  void batcher.add(3)
  await pass(4)
  expect(batches).toEqual([[1, 2]])
  await pass(1)
  expect(batches).toEqual([[1, 2], [3]])
})

test('the size of each batch is told', async () => {
  const sizes: number[] = []
  const batcher = createBatcher({ maxBatch: 2, maxWaitMs: 5, run: fakeModel(1).run, onBatch: (size) => sizes.push(size) })
  for (const view of [1, 2, 3]) void batcher.add(view)
  await pass(10)
  expect(sizes).toEqual([2, 1])
})

describe('a run that fails', () => {
  test('fails for the views of its batch only', async () => {
    const run = vi.fn(async (views: number[]) => {
      if (views.includes(1)) throw new Error('out of memory')
      return views
    })
    const batcher = createBatcher({ maxBatch: 2, maxWaitMs: 5, run })
    const results = Promise.allSettled([1, 2, 3].map(batcher.add))
    await pass(5)
    expect((await results).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled'])
  })

  test('by answering too few views, is an error and not a wrong answer', async () => {
    const batcher = createBatcher({ maxBatch: 2, maxWaitMs: 5, run: async (views: number[]) => views.slice(1) })
    const results = Promise.allSettled([1, 2].map(batcher.add))
    await pass(0)
    expect(await results).toEqual([
      { status: 'rejected', reason: expect.objectContaining({ code: 'model-failed' }) },
      { status: 'rejected', reason: expect.objectContaining({ code: 'model-failed' }) },
    ])
  })
})

test('whatever the traffic, every view gets its own answer once, in order, in batches within bounds, one run at a time', async () => {
  const traffic = fc.record({
    maxBatch: fc.integer({ min: 1, max: 5 }),
    maxWaitMs: fc.integer({ min: 0, max: 6 }),
    gapsMs: fc.array(fc.integer({ min: 0, max: 8 }), { maxLength: 30 }),
    runs: fc.array(fc.record({ ms: fc.integer({ min: 0, max: 12 }), fails: fc.boolean() }), { minLength: 1, maxLength: 8 }),
  })
  await fc.assert(
    fc.asyncProperty(traffic, async ({ maxBatch, maxWaitMs, gapsMs, runs }) => {
      const batches: number[][] = []
      const failed = new Set<number>()
      let inFlight = 0
      const run = async (views: number[]) => {
        expect(++inFlight).toBe(1)
        const { ms, fails } = runs[batches.length % runs.length] as { ms: number; fails: boolean }
        batches.push(views)
        await new Promise((resolve) => setTimeout(resolve, ms))
        inFlight--
        if (!fails) return views.map((view) => view * 10)
        for (const view of views) failed.add(view)
        throw new Error('failed')
      }
      const batcher = createBatcher({ maxBatch, maxWaitMs, run })
      const answers: Promise<unknown>[] = []
      for (const [view, gapMs] of gapsMs.entries()) {
        answers.push(batcher.add(view).catch(() => 'failed'))
        await pass(gapMs)
      }
      await pass(1000)

      expect(batches.flat()).toEqual(gapsMs.map((_, view) => view))
      expect(Math.max(0, ...batches.map((batch) => batch.length))).toBeLessThanOrEqual(maxBatch)
      expect(await Promise.all(answers)).toEqual(gapsMs.map((_, view) => (failed.has(view) ? 'failed' : view * 10)))
    }),
    { numRuns: 200 },
  )
})

describe('views in passing', () => {
  const open = () => {
    const { batches, run } = fakeModel(20)
    return { batches, batcher: createBatcher({ maxBatch: 8, maxWaitMs: 5, run }) }
  }

  test('run in small batches while nobody else is there, and get their own answers', async () => {
    const { batches, batcher } = open()
    const results = Promise.all([1, 2, 3, 4, 5].map(batcher.addInPassing))
    await pass(60)
    expect(batches).toEqual([[1], [2, 3], [4, 5]])
    expect(await results).toEqual([10, 20, 30, 40, 50])
  })

  test('let others go first, who wait for the end of a small batch at most', async () => {
    const { batches, batcher } = open()
    for (const view of [1, 2, 3, 4, 5]) void batcher.addInPassing(view)
    await pass(10)
    for (const view of [11, 12, 13]) void batcher.add(view)
    await pass(10)
    expect(batches).toEqual([[1], [11, 12, 13]])
    await pass(20)
    expect(batches.at(-1)).toEqual([2, 3])
  })

  test('do not cut short the wait of others for company', async () => {
    const { batches, batcher } = open()
    void batcher.add(11)
    void batcher.addInPassing(1)
    await pass(4)
    expect(batches).toEqual([])
    void batcher.add(12)
    await pass(1)
    expect(batches).toEqual([[11, 12]])
  })

  test('have their turn now and then, however many others come', async () => {
    const { batches, batcher } = open()
    for (const view of [1, 2, 3, 4, 5, 6]) void batcher.addInPassing(view)
    for (let i = 0; i < 1300 / 20; i++) {
      for (let view = 100; view < 108; view++) void batcher.add(view)
      await pass(20)
    }
    const inPassing = batches.filter(([first = 0]) => first < 100)
    expect(inPassing).toEqual([[1], [2, 3], [4, 5]])
  })
})
