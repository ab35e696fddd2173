import { expect, test } from 'vitest'
import { fromHalf, toHalf } from '../../services/worker/clip/half.ts'

test('every half is itself again', () => {
  for (let bits = 0; bits < 0x10000; bits++)
    if (!Number.isNaN(fromHalf(bits)) && toHalf(fromHalf(bits)) !== bits)
      expect.fail(`${bits.toString(16)} became ${toHalf(fromHalf(bits)).toString(16)}`)
})

test.each([
  [1, 0x3c00],
  [-2, 0xc000],
  [65_504, 0x7bff],
  [1 / 3, 0x3555],
  [2 ** -24, 0x0001],
  [2 ** -14, 0x0400],
])('%d is 0x%s', (value, bits) => {
  expect(toHalf(value)).toBe(bits)
})

test('what lies between two halves becomes the nearer, and in the middle the even one', () => {
  const step = 2 ** -10
  expect(fromHalf(toHalf(1 + 0.4 * step))).toBe(1)
  expect(fromHalf(toHalf(1 + 0.6 * step))).toBe(1 + step)
  expect(fromHalf(toHalf(1 + 0.5 * step))).toBe(1)
  expect(fromHalf(toHalf(1 + 1.5 * step))).toBe(1 + 2 * step)
  // Where the exponent changes.
  expect(fromHalf(toHalf(2 - 0.1 * step))).toBe(2)
  expect(fromHalf(toHalf(2 ** -25 * 1.5))).toBe(2 ** -24)
  expect(fromHalf(toHalf(2 ** -25))).toBe(0)
})

test('what is too large is infinite, and no number stays none', () => {
  expect(fromHalf(toHalf(65_519))).toBe(65_504)
  expect(fromHalf(toHalf(-65_520))).toBe(Number.NEGATIVE_INFINITY)
  expect(fromHalf(toHalf(Number.NaN))).toBeNaN()
})
