import type { Window } from '../../core/domain/occlusion.ts'

/** A copy of a view, RGB row by row, `width` pixels wide, with a window filled with the view's mean colour: its edges are the least of a surprise to the model. */
export function occlude(pixels: Uint8Array, width: number, window: Window, colour = meanColour(pixels)): Uint8Array {
  const hidden = new Uint8Array(pixels)
  const start = 3 * (window.top * width + window.left)
  const firstRow = hidden.subarray(start, start + 3 * window.width)
  for (let i = 0; i < firstRow.length; i++) firstRow[i] = colour[i % 3] as number
  for (let row = 1; row < window.height; row++) hidden.set(firstRow, start + 3 * row * width)
  return hidden
}

/** Of RGB pixels, rounded. */
export function meanColour(pixels: Uint8Array): [number, number, number] {
  const sum = [0, 0, 0]
  for (let i = 0; i < pixels.length; i++) sum[i % 3] = (sum[i % 3] as number) + (pixels[i] as number)
  const mean = (channel: 0 | 1 | 2) => Math.round((sum[channel] as number) / (pixels.length / 3))
  return [mean(0), mean(1), mean(2)]
}
