import { expect, test } from 'vitest'
import { readConfig } from '../../services/core/infra/config.ts'
import { chooseBatching, type Measured } from '../../services/worker/clip/tuning/choose-batching.ts'

const measured = (rates: Record<number, number>): Measured[] =>
  Object.entries(rates).map(([batch, imagesPerSecond]) => ({
    batch: Number(batch),
    imagesPerSecond,
    msPerRun: (1000 * Number(batch)) / imagesPerSecond,
  }))

test('a larger batch is not worth nearly nothing', () => {
  expect(chooseBatching(measured({ 1: 4, 4: 5.9, 16: 6 })).maxBatch).toBe(4)
  expect(chooseBatching(measured({ 1: 4, 4: 5.7, 16: 6 })).maxBatch).toBe(16)
})

test('of a model that is fast, what a run costs elsewhere is shared by a batch', () => {
  expect(chooseBatching(measured({ 1: 100, 2: 100, 4: 100, 8: 100, 16: 100 })).maxBatch).toBe(8)
})

test('a view waits for a part of the time of one, never long, and not at all when there are no batches', () => {
  expect(chooseBatching(measured({ 1: 100, 8: 200 })).batchWaitMs).toBe(2)
  expect(chooseBatching(measured({ 1: 5, 8: 10 })).batchWaitMs).toBe(10)
  expect(chooseBatching(measured({ 1: 4, 8: 4 })).batchWaitMs).toBe(0)
})

test('a fast model has more uploads in hand than two batches, for they are elsewhere most of the time', () => {
  expect(chooseBatching(measured({ 1: 200 })).concurrency).toBe(42)
  expect(chooseBatching(measured({ 1: 1 })).concurrency).toBe(3)
})

test('no device is so fast that a worker has more uploads in hand than it can be told to have', () => {
  const { concurrency } = chooseBatching(measured({ 1: 100, 128: 20_000 }))
  expect(readConfig({ PIXWARDEN_CONCURRENCY: String(concurrency) }).concurrency).toBe(concurrency)
})
