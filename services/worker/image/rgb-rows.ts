import { type Orientation, turnedSize, walkOf } from './orientation.ts'
import type { RowReader } from './pillow-resize.ts'
import type { Size } from './resize-geometry.ts'

/** Decoded pixels as they are stored, row by row, shape [height, width, 3 or 4]. */
export type Pixels = Size & { data: Uint8Array; layout: 'rgb' | 'rgba' | 'cmyk' }

/** Reads rows of the picture as it is shown, as RGB, alpha composited over a grey level of 0 … 255. Row `top` is the first of `pixels`. */
export function rgbRows(pixels: Pixels, orientation: Orientation, { top = 0, background = 0 } = {}): RowReader {
  const { data, layout } = pixels
  const channels = layout === 'rgb' ? 3 : 4
  const { width } = turnedSize(pixels, orientation)
  const walk = walkOf(pixels, orientation)
  const rowStart = (y: number) => (walk.origin + (y - top) * walk.rowStep) * channels
  if (layout === 'rgb' && walk.columnStep === 1) return (y) => data.subarray(rowStart(y), rowStart(y) + width * 3)

  const row = new Uint8Array(width * 3)
  const step = walk.columnStep * channels
  const fill = { rgb: copyRow, rgba: compositeRow, cmyk: convertRow }[layout]
  return (y) => {
    fill(data, rowStart(y), step, row, background)
    return row
  }
}

/** Whether nothing of the picture shows what is behind it. */
export function isOpaque({ data, layout }: Pixels): boolean {
  if (layout !== 'rgba') return true
  for (let i = 3; i < data.length; i += 4) if (data[i] !== 255) return false
  return true
}

function copyRow(data: Uint8Array, from: number, step: number, row: Uint8Array): void {
  for (let o = 0, p = from; o < row.length; o += 3, p += step) {
    row[o] = data[p] as number
    row[o + 1] = data[p + 1] as number
    row[o + 2] = data[p + 2] as number
  }
}

/** Rounds as Pillow's alpha_composite over an opaque picture does. */
function compositeRow(data: Uint8Array, from: number, step: number, row: Uint8Array, background: number): void {
  for (let o = 0, p = from; o < row.length; o += 3, p += step) {
    const front = (data[p + 3] as number) * 128
    const back = background * (255 * 128 - front)
    for (let c = 0; c < 3; c++) {
      const sum = (data[p + c] as number) * front + back + 128 * 128
      row[o + c] = (sum + (sum >> 8)) >> 15
    }
  }
}

/** Ink multiplies out light, as in Pillow and the browsers where there is no colour profile. */
function convertRow(data: Uint8Array, from: number, step: number, row: Uint8Array): void {
  for (let o = 0, p = from; o < row.length; o += 3, p += step) {
    const light = 255 - (data[p + 3] as number)
    for (let c = 0; c < 3; c++) {
      const inked = (data[p + c] as number) * light + 128
      row[o + c] = light - ((inked + (inked >> 8)) >> 8)
    }
  }
}
