import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dot, meanDirection, normalise } from '../../services/core/domain/vector.ts'
import { unitVector } from '../support/arbitrary.ts'

test('a normalised vector has length 1 and the same direction', () => {
  expect([...normalise(Float32Array.of(3, 4))]).toEqual([Math.fround(0.6), Math.fround(0.8)])
  fc.assert(
    fc.property(unitVector, (v) => {
      expect(dot(v, v)).toBeCloseTo(1, 5)
    }),
  )
})

test('normalising leaves its argument alone, and a zero vector zero', () => {
  const zero = Float32Array.of(0, 0)
  expect(normalise(zero)).toEqual(zero)
  expect(normalise(zero)).not.toBe(zero)
})

test('the mean direction is a unit vector as near to each of two vectors', () => {
  fc.assert(
    fc.property(unitVector, unitVector, (a, b) => {
      fc.pre(dot(a, b) > -0.99)
      const mean = meanDirection([a, b])
      expect(dot(mean, mean)).toBeCloseTo(1, 4)
      expect(dot(mean, a)).toBeCloseTo(dot(mean, b), 3)
    }),
  )
})

test('the mean direction of one vector is that vector, and of none an error', () => {
  const v = normalise(Float32Array.of(1, 2, 3))
  expect(dot(meanDirection([v]), v)).toBeCloseTo(1, 6)
  expect(() => meanDirection([])).toThrow(RangeError)
})
