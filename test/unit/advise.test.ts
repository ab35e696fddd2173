import { expect, test } from 'vitest'
import { advise, type Measured } from '../../services/cli/bench/advise.ts'

const measured = (threads: number, batch: number, imagesPerSecond: number): Measured => ({
  workers: 4 / threads,
  threads,
  batch,
  imagesPerSecond,
  msPerRun: (1000 * batch * (4 / threads)) / imagesPerSecond,
})

test('the fastest way is advised', () => {
  const { settings, why } = advise([measured(1, 1, 40), measured(1, 8, 60), measured(4, 1, 30), measured(4, 8, 50)])
  expect(settings).toMatchObject({ PIXWARDEN_INFERENCE_THREADS: 1, PIXWARDEN_BATCH_SIZE: 8 })
  expect(why).toContain('4 workers, 60.0 images a second')
})

test('a larger batch is not worth a wait for nearly nothing', () => {
  const { settings } = advise([measured(1, 1, 40), measured(1, 4, 59), measured(1, 16, 60)])
  expect(settings.PIXWARDEN_BATCH_SIZE).toBe(4)
})

test('a picture waits for a part of a run, never long, and not at all when there are no batches', () => {
  const waitOf = (...all: Measured[]) => advise(all).settings.PIXWARDEN_BATCH_WAIT_MS
  expect(waitOf(measured(4, 8, 100))).toBe(8)
  expect(waitOf(measured(4, 8, 5))).toBe(20)
  expect(waitOf(measured(1, 1, 40))).toBe(0)
})
