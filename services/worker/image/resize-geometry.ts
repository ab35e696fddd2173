import type { Preprocessing } from '../clip/preprocessing.ts'

export type Size = { width: number; height: number }
export type Rectangle = Size & { left: number; top: number }

/** The size to which a picture is resized, in pixels, and the part of that which becomes the view. */
export type Geometry = { resized: Size; crop: Rectangle }

/**
 * Where a picture's view lies, by the arithmetic of the reference image processors of CLIP and SigLIP: the short edge becomes
 * `edge`, the long edge is truncated, and the offset of the crop is rounded down. A crop is never larger than the edge.
 */
export function resizeGeometry(
  { width, height }: Size,
  { resize, ...view }: Pick<Preprocessing, 'resize' | 'width' | 'height'>,
): Geometry {
  if (resize.kind === 'squash') {
    const size = { width: view.width, height: view.height }
    return { resized: size, crop: { left: 0, top: 0, ...size } }
  }
  const { edge } = resize
  const resized =
    width <= height
      ? { width: edge, height: Math.trunc((edge * height) / width) }
      : { width: Math.trunc((edge * width) / height), height: edge }
  const left = Math.floor((resized.width - view.width) / 2)
  const top = Math.floor((resized.height - view.height) / 2)
  return { resized, crop: { left, top, width: view.width, height: view.height } }
}

/** Whether the picture grows in either direction. */
export function enlarges({ width, height }: Size, { resized }: Geometry): boolean {
  return resized.width > width || resized.height > height
}
