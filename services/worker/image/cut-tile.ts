import type { View } from '../clip/preprocessing.ts'
import type { Rectangle, Size } from './resize-geometry.ts'

/** Part of a picture that was decoded whole, to RGB of size `whole`: two views where it is transparent, one where it is not. */
export function cutTile(views: View[], whole: Size, part: Rectangle): View[] {
  const cut = views.map(({ view, pixels }) => ({ view, pixels: rectangleOf(pixels, whole, part) }))
  const [onBlack, onWhite] = cut
  if (onBlack && onWhite && Buffer.compare(onBlack.pixels, onWhite.pixels) === 0) return [{ ...onBlack, view: 'full' }]
  return cut
}

function rectangleOf(pixels: Uint8Array, whole: Size, { left, top, width, height }: Rectangle): Uint8Array {
  const part = new Uint8Array(width * height * 3)
  for (let row = 0; row < height; row++) {
    const start = 3 * ((top + row) * whole.width + left)
    part.set(pixels.subarray(start, start + 3 * width), row * width * 3)
  }
  return part
}
