/** Row by row; `turned` when it is kept column by column. */
export type Matrix = { values: Float32Array; rows: number; columns: number; turned: boolean }

/** A matrix of whole numbers, row by row, of which each column is to be multiplied by its factor. */
export type QuantisedMatrix = { values: Int8Array; factors: Float32Array; rows: number; columns: number }

/**
 * Seven bits and not eight: processors without VNNI add up two products of a uint8 and an int8 in 16 bits, where 2 · 255 · 64 fits and 2 · 255 · 127 does not, and give
 * the largest number instead. Source: `reduce_range` in the documentation of onnxruntime's quantisation. So every processor finds the same.
 */
const LARGEST = 64

/** Rounds each column to multiples of a 64th of its largest value. */
export function quantiseColumns({ values, rows, columns, turned }: Matrix): QuantisedMatrix {
  const [downwards, across] = turned ? [1, rows] : [columns, 1]
  const valueAt = (row: number, column: number) => values[row * downwards + column * across] as number
  const quantised = new Int8Array(rows * columns)
  const factors = new Float32Array(columns)
  for (let column = 0; column < columns; column++) {
    let largest = 0
    for (let row = 0; row < rows; row++) largest = Math.max(largest, Math.abs(valueAt(row, column)))
    const factor = Math.fround(largest / LARGEST) || 1
    factors[column] = factor
    for (let row = 0; row < rows; row++) quantised[row * columns + column] = Math.round(valueAt(row, column) / factor)
  }
  return { values: quantised, factors, rows, columns }
}
