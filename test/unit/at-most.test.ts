import { expect, test } from 'vitest'
import { atMost } from '../../services/api/feed/at-most.ts'

test('work runs so many at once, in the order in which it came, and what fails makes room too', async () => {
  const limited = atMost(2)
  const begun: number[] = []
  const enders: (() => void)[] = []
  const run = (n: number) =>
    limited(async () => {
      begun.push(n)
      await new Promise<void>((resolve) => enders.push(resolve))
      if (n === 0) throw new Error('broken')
      return n
    })
  const runs = [0, 1, 2, 3].map(run)
  const results = Promise.allSettled(runs)
  expect(begun).toEqual([0, 1])
  enders[0]?.()
  await runs[0]?.catch(() => {})
  expect(begun).toEqual([0, 1, 2])
  enders[1]?.()
  await runs[1]
  expect(begun).toEqual([0, 1, 2, 3])
  enders[2]?.()
  enders[3]?.()
  expect((await results).map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled'])
  expect(await Promise.all([limited(async () => 'a'), limited(async () => 'b'), limited(async () => 'c')])).toEqual([
    'a',
    'b',
    'c',
  ])
})
