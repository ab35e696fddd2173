import fc from 'fast-check'
import { expect, test } from 'vitest'
import { inOrder } from '../../services/cli/scan/in-order.ts'

async function* countTo(n: number, taken: (i: number) => void = () => {}) {
  for (let i = 0; i < n; i++) {
    taken(i)
    yield i
  }
}

test('results come in the order of the items, whatever each takes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(5)), fc.integer({ min: 1, max: 8 }), async (turns, atOnce) => {
      const results: number[] = []
      const work = async (item: number) => {
        for (let turn = 0; turn < (turns[item] ?? 0); turn++) await Promise.resolve()
        return item
      }
      for await (const result of inOrder(countTo(turns.length), atOnce, work)) results.push(result)
      expect(results).toEqual(turns.map((_, index) => index))
    }),
  )
})

test('no more than so many items are in work, or taken from the list', async () => {
  let running = 0
  let most = 0
  let ahead = 0
  let done = 0
  const work = async () => {
    most = Math.max(most, ++running)
    await new Promise(setImmediate)
    running--
  }
  const items = countTo(50, (item) => {
    ahead = Math.max(ahead, item + 1 - done)
  })
  for await (const _ of inOrder(items, 4, work)) done++
  expect({ most, ahead, done }).toEqual({ most: 4, ahead: 4, done: 50 })
})
