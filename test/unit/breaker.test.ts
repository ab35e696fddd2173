import { expect, test } from 'vitest'
import { createBreaker } from '../../services/core/infra/breaker.ts'

const never = () => new Promise<string>(() => {})
const refused = expect.objectContaining({ code: 'store-unavailable', message: 'the queue does not answer' })

/** A breaker, and a clock that stands still until it is moved. */
function setup() {
  let at = 0
  return { within: createBreaker('the queue', () => at), pass: (ms: number) => (at += ms) }
}

test('what answers in time is passed on', async () => {
  const { within } = setup()
  expect(await within(1000, async () => 'answer')).toBe('answer')
})

test('what fails is refused, with the reason, and stops nobody else', async () => {
  const { within } = setup()
  const cause = new Error('as told')
  await expect(within(1000, () => Promise.reject(cause))).rejects.toMatchObject({ code: 'store-unavailable', cause })
  expect(await within(1000, async () => 'answer')).toBe('answer')
})

test('while a call hangs, others are refused at once, and one a second is let through', async () => {
  const { within, pass } = setup()
  await expect(within(10, never)).rejects.toEqual(refused)
  let called = 0
  const answer = async () => ++called
  await expect(within(1000, answer)).rejects.toEqual(refused)
  expect(called).toBe(0)
  pass(1001)
  expect(await within(1000, answer)).toBe(1)
  await expect(within(1000, answer)).rejects.toEqual(refused)
})

test('once the call that hung is answered, all are let through', async () => {
  const { within } = setup()
  let answer = () => {}
  const late = new Promise<void>((resolve) => {
    answer = resolve
  })
  await expect(within(10, () => late)).rejects.toEqual(refused)
  answer()
  await late
  await Promise.resolve()
  expect(await within(1000, async () => 'answer')).toBe('answer')
})
