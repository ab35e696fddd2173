import type { Window } from '../../core/domain/occlusion.ts'

/** As large as a view, RGB, and all of its mean colour: of all plain pictures it is the least of a surprise to the model. */
export function blankOf(pixels: Uint8Array): Uint8Array {
  const colour = meanColour(pixels)
  const blank = new Uint8Array(pixels.length)
  for (let i = 0; i < blank.length; i++) blank[i] = colour[i % 3] as number
  return blank
}

/** A copy of `below` with a window of `above`: both RGB row by row, `width` pixels wide. */
export function inset(below: Uint8Array, above: Uint8Array, width: number, window: Window): Uint8Array {
  const copy = new Uint8Array(below)
  for (let row = 0; row < window.height; row++) {
    const start = 3 * ((window.top + row) * width + window.left)
    copy.set(above.subarray(start, start + 3 * window.width), start)
  }
  return copy
}

function meanColour(pixels: Uint8Array): [number, number, number] {
  const sum: [number, number, number] = [0, 0, 0]
  for (let i = 0; i < pixels.length; i++) sum[i % 3] = (sum[i % 3] as number) + (pixels[i] as number)
  const mean = (total: number) => Math.round(total / (pixels.length / 3))
  return [mean(sum[0]), mean(sum[1]), mean(sum[2])]
}
