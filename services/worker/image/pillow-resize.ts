import { type AxisWeights, WEIGHT_BITS } from './resample-weights.ts'

/** Gives row `y` of a picture as RGB bytes, valid until the next call; column 0 of it is the first column that is used. */
export type RowReader = (y: number) => Uint8Array

const HALF = 1 << (WEIGHT_BITS - 1)

/**
 * Resizes as Pillow up to version 12 does 8-bit pictures, bit for bit: horizontally first, then vertically, each rounded and clipped to 0 … 255.
 * `rows` are read in their order, from `y.first` up to `y.end`, and none is kept, so that memory does not grow with the picture.
 * Returns RGB, row by row, shape [y.starts.length, x.starts.length, 3].
 */
export function pillowResize(rows: RowReader, x: AxisWeights, y: AxisWeights): Uint8Array {
  const rowLength = x.starts.length * 3
  const height = y.starts.length
  const narrowed = new Uint8Array(rowLength)
  const sums = new Int32Array(rowLength * height).fill(HALF)

  let open = 0
  for (let row = y.first; row < y.end; row++) {
    while (endOf(y, open) <= row) open++
    if ((y.starts[open] as number) > row) continue
    narrow(rows(row), x, narrowed)
    for (let out = open; out < height && (y.starts[out] as number) <= row; out++) {
      if (row >= endOf(y, out)) continue
      const weight = y.weights[out * y.stride + row - (y.starts[out] as number)] as number
      addWeighted(narrowed, weight, sums, out * rowLength)
    }
  }
  const pixels = new Uint8Array(sums.length)
  for (let i = 0; i < sums.length; i++) pixels[i] = toByte(sums[i] as number)
  return pixels
}

function endOf({ starts, counts }: AxisWeights, out: number): number {
  return (starts[out] as number) + (counts[out] as number)
}

function narrow(row: Uint8Array, { first, starts, counts, weights, stride }: AxisWeights, out: Uint8Array): void {
  for (let x = 0, o = 0; x < starts.length; x++) {
    let red = HALF
    let green = HALF
    let blue = HALF
    let p = ((starts[x] as number) - first) * 3
    const from = x * stride
    const end = from + (counts[x] as number)
    for (let k = from; k < end; k++, p += 3) {
      const weight = weights[k] as number
      red += (row[p] as number) * weight
      green += (row[p + 1] as number) * weight
      blue += (row[p + 2] as number) * weight
    }
    out[o++] = toByte(red)
    out[o++] = toByte(green)
    out[o++] = toByte(blue)
  }
}

function addWeighted(row: Uint8Array, weight: number, sums: Int32Array, from: number): void {
  for (let i = 0; i < row.length; i++) sums[from + i] = (sums[from + i] as number) + (row[i] as number) * weight
}

function toByte(sum: number): number {
  const value = sum >> WEIGHT_BITS
  return value < 0 ? 0 : value > 255 ? 255 : value
}
