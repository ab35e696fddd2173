import { expect, test } from 'vitest'
import { advise, type Way } from '../../services/cli/bench/advise.ts'

/** `rates` by the size of the batch, of all workers together. */
const way = (workers: number, threads: number, rates: Record<number, number>): Way => ({
  workers,
  threads,
  measured: Object.entries(rates).map(([batch, imagesPerSecond]) => ({
    batch: Number(batch),
    imagesPerSecond,
    msPerRun: (1000 * Number(batch) * workers) / imagesPerSecond,
  })),
})

test('the fastest way is advised', () => {
  const { advice, way: chosen } = advise([way(1, 4, { 1: 30, 8: 50 }), way(4, 1, { 1: 40, 8: 60 })])
  expect(advice).toMatchObject({ workers: 4, inferenceThreads: 1, maxBatch: 8 })
  expect(advice.why).toContain('4 workers, 60.0 images a second')
  expect(chosen.workers).toBe(4)
})

test('a worker for each core is advised unless one with all threads is faster by more than nothing', () => {
  const perCore = way(4, 1, { 1: 58, 8: 59 })
  expect(advise([perCore, way(1, 4, { 1: 60 })]).advice.workers).toBe(4)
  expect(advise([perCore, way(1, 4, { 1: 70 })]).advice.workers).toBe(1)
})

test('uploads in hand are for what one worker embeds', () => {
  expect(advise([way(4, 1, { 1: 40, 8: 400 })]).advice.concurrency).toBe(16 + 20)
})
