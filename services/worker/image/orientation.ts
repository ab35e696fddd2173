import type { Rectangle, Size } from './resize-geometry.ts'

/** How a picture is stored: first its rows and columns are swapped, then their order is reversed. */
export type Orientation = { swap: boolean; reverseColumns: boolean; reverseRows: boolean }

/** From EXIF's orientation, 1 … 8; anything else is as stored. */
export function exifOrientation(tag: number | undefined): Orientation {
  return {
    swap: tag === 5 || tag === 6 || tag === 7 || tag === 8,
    reverseColumns: tag === 2 || tag === 3 || tag === 7 || tag === 8,
    reverseRows: tag === 3 || tag === 4 || tag === 6 || tag === 7,
  }
}

/** From the size that is shown to the one that is stored, or back: width and height change places where rows are stored as columns. */
export function turnedSize({ width, height }: Size, { swap }: Orientation): Size {
  return swap ? { width: height, height: width } : { width, height }
}

/** Where a rectangle of the picture as it is shown, of size `shown`, lies in the picture as it is stored. */
export function storedRectangle(rectangle: Rectangle, shown: Size, orientation: Orientation): Rectangle {
  const stored = turnedSize(shown, orientation)
  const size = turnedSize(rectangle, orientation)
  const [left, top] = orientation.swap ? [rectangle.top, rectangle.left] : [rectangle.left, rectangle.top]
  return {
    left: orientation.reverseColumns ? stored.width - left - size.width : left,
    top: orientation.reverseRows ? stored.height - top - size.height : top,
    ...size,
  }
}

/** Where stored pixels are found for the picture as it is shown: pixel (x, y) is number `origin + x · columnStep + y · rowStep`. */
export type Walk = { origin: number; columnStep: number; rowStep: number }

/** The walk over a stored picture, or a rectangle of one, of size `stored`. */
export function walkOf({ width, height }: Size, { swap, reverseColumns, reverseRows }: Orientation): Walk {
  const along = reverseColumns ? -1 : 1
  const down = reverseRows ? -width : width
  return {
    origin: (reverseColumns ? width - 1 : 0) + (reverseRows ? (height - 1) * width : 0),
    columnStep: swap ? down : along,
    rowStep: swap ? along : down,
  }
}
