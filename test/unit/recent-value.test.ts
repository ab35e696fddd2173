import { describe, expect, test } from 'vitest'
import { recentValue } from '../../services/api/recent-value.ts'

/** A value whose readings are answered by hand, under a clock that is set by hand. */
function watched() {
  const clock = { ms: 0 }
  const answers: { resolve: (value: number) => void; reject: (error: Error) => void }[] = []
  const read = () => new Promise<number>((resolve, reject) => answers.push({ resolve, reject }))
  const value = recentValue(read, { everyMs: 1000, validMs: 5000, now: () => clock.ms })
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  return { clock, answers, value, settle }
}

describe('a recent value', () => {
  test('is read right away, and who asks too early is not held up', async () => {
    const { answers, value, settle } = watched()
    expect(value()).toBeUndefined()
    answers[0]?.resolve(7)
    await settle()
    expect(value()).toBe(7)
  })

  test('is read once a second, however often it is asked for', async () => {
    const { clock, answers, value, settle } = watched()
    for (; clock.ms < 10_000; clock.ms += 10) {
      value()
      answers.at(-1)?.resolve(clock.ms)
      await settle()
    }
    expect(answers).toHaveLength(10)
  })

  test('is not read again while a reading is under way', () => {
    const { clock, answers, value } = watched()
    clock.ms = 60_000
    value()
    expect(answers).toHaveLength(1)
  })

  test('is not known any more when it could not be read for a while, and is again after that', async () => {
    const { clock, answers, value, settle } = watched()
    answers[0]?.resolve(7)
    await settle()
    clock.ms = 4000
    expect(value()).toBe(7)
    answers[1]?.reject(new Error('away'))
    await settle()
    clock.ms = 5000
    expect(value()).toBeUndefined()
    answers[2]?.resolve(8)
    await settle()
    expect(value()).toBe(8)
  })
})
