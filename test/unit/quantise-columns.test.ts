import fc from 'fast-check'
import { expect, test } from 'vitest'
import { quantiseColumns } from '../../services/worker/clip/graph/quantise-columns.ts'

const sizes = { rows: fc.integer({ min: 1, max: 8 }), columns: fc.integer({ min: 1, max: 8 }) }
const matrices = fc
  .record(sizes)
  .chain(({ rows, columns }) =>
    fc
      .array(fc.integer({ min: -100_000, max: 100_000 }), { minLength: rows * columns, maxLength: rows * columns })
      .map((values) => ({ values: Float32Array.from(values, (value) => value / 100), rows, columns })),
  )

test('each value is found again to half a step of its column, in seven bits', () => {
  fc.assert(
    fc.property(matrices, ({ values, rows, columns }) => {
      const { values: whole, factors } = quantiseColumns({ values, rows, columns, turned: false })
      for (const [index, value] of values.entries()) {
        const factor = factors[index % columns] as number
        expect(Math.abs(whole[index] as number)).toBeLessThanOrEqual(64)
        expect(Math.abs(value - (whole[index] as number) * factor)).toBeLessThanOrEqual(0.5001 * factor)
      }
    }),
  )
})

test('a matrix that is kept column by column gives the same', () => {
  fc.assert(
    fc.property(matrices, ({ values, rows, columns }) => {
      const turned = Float32Array.from(values, (_, i) => values[(i % rows) * columns + Math.floor(i / rows)] as number)
      const expected = quantiseColumns({ values, rows, columns, turned: false })
      expect(quantiseColumns({ values: turned, rows, columns, turned: true })).toEqual(expected)
    }),
  )
})

test('a column of zeros stays one', () => {
  const { values, factors } = quantiseColumns({ values: Float32Array.of(0, 2, 0, -4), rows: 2, columns: 2, turned: false })
  expect([...values]).toEqual([0, 32, 0, -64])
  expect([...factors]).toEqual([1, 4 / 64])
})
