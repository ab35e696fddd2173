import { expect, test } from 'vitest'
import { batchesFor, probe } from '../../services/worker/clip/tuning/probe.ts'

/** A model that takes so long for a batch, on a clock of its own. */
function fakeModel(msOf: (batch: number, run: number) => number) {
  let clock = 0
  const runs: number[] = []
  const measure = () =>
    probe({
      batches: batchesFor('cpu'),
      run: async (batch) => {
        clock += msOf(batch, runs.length)
        runs.push(batch)
      },
      costMs: () => clock,
      now: () => clock,
    })
  return { runs, measure, elapsedMs: () => clock }
}

test('each size of a fast model is measured several times, and its best run counts', async () => {
  const { measure, elapsedMs } = fakeModel((batch, run) => batch * (run % 3 === 0 ? 2 : 1))
  const measured = await measure()
  expect(measured.map(({ batch, imagesPerSecond }) => [batch, imagesPerSecond])).toEqual(
    [1, 2, 4, 8, 16].map((batch) => [batch, expect.closeTo(1000)]),
  )
  expect(elapsedMs()).toBeLessThanOrEqual(2500)
})

test('of a slow model there are only a few runs, in batches that fit into the time', async () => {
  const { runs, measure, elapsedMs } = fakeModel((batch) => 500 * batch)
  expect((await measure()).map(({ batch }) => batch)).toEqual([1, 2])
  expect(runs.length).toBeLessThanOrEqual(5)
  expect(elapsedMs()).toBeLessThanOrEqual(2500)
})

test('a model that takes longer than there is time is run once', async () => {
  const { runs, measure } = fakeModel((batch) => 5000 * batch)
  expect(await measure()).toEqual([{ batch: 1, imagesPerSecond: 0.2, msPerRun: 5000 }])
  expect(runs).toEqual([1])
})
