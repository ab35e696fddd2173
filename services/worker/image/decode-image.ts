import type { Preprocessing, View } from '../clip/preprocessing.ts'
import { type OpenOptions, openPicture, type Picture } from './open-picture.ts'
import { storedRectangle, turnedSize } from './orientation.ts'
import { pillowResize, type RowReader } from './pillow-resize.ts'
import { readPixels } from './read-pixels.ts'
import { axisWeights } from './resample-weights.ts'
import { enlarges, type Geometry, resizeGeometry } from './resize-geometry.ts'
import { isOpaque, type Pixels, rgbRows } from './rgb-rows.ts'

export type DecodedImage = {
  /** As the picture is shown, in pixels. */
  width: number
  height: number
  mime: string
  /** `full`, or `on-black` and `on-white` of a picture that is transparent somewhere; the same of a later frame, after `frame-N-`. */
  views: View[]
  /** Later frames, `frame-N`, that could not be decoded. */
  missing: string[]
}

export type DecodeSettings = OpenOptions & {
  preprocessing: Preprocessing
  /** `exact` resizes as the reference does, bit for bit; `fast` lets sharp shrink, which is near enough, and resizes exactly what must grow. */
  mode: 'fast' | 'exact'
}

const KERNELS = { bicubic: 'cubic', bilinear: 'linear', lanczos: 'lanczos3' } as const

/**
 * Decodes a file into what the model sees of it: the picture, and of an animation also the middle frame (N counts from 0).
 * `onFirstFrame` hears of the result so far before a later frame is tried. Rejects when the first frame does not decode.
 */
export async function decodeImage(
  path: string,
  settings: DecodeSettings,
  onFirstFrame?: (image: DecodedImage) => void,
): Promise<DecodedImage> {
  const picture = await openPicture(path, settings)
  const image = { ...picture.size, mime: picture.mime, views: await decodeFrame(picture, 0, settings), missing: [] }
  const middle = Math.floor(picture.frames / 2)
  if (middle === 0) return image
  const name = `frame-${middle}`
  onFirstFrame?.({ ...image, missing: [name] })
  try {
    const later = await decodeFrame(picture, middle, settings)
    const named = later.map(({ view, pixels }) => ({ view: view === 'full' ? name : `${name}-${view}`, pixels }))
    return { ...image, views: [...image.views, ...named] }
  } catch {
    return { ...image, missing: [name] }
  }
}

async function decodeFrame(picture: Picture, index: number, settings: DecodeSettings): Promise<View[]> {
  const { preprocessing, mode } = settings
  const geometry = resizeGeometry(picture.size, preprocessing)
  const exact = mode === 'exact' || preprocessing.resample === 'nearest' || enlarges(picture.size, geometry)
  return exact ? resizeExactly(picture, index, geometry, preprocessing) : resizeFast(picture, index, geometry, preprocessing)
}

/** Decodes only the source pixels that the view is made of. */
async function resizeExactly(picture: Picture, index: number, { resized, crop }: Geometry, { resample }: Preprocessing) {
  const { size, orientation } = picture
  const x = axisWeights({ from: size.width, to: resized.width, offset: crop.left, count: crop.width }, resample)
  const y = axisWeights({ from: size.height, to: resized.height, offset: crop.top, count: crop.height }, resample)
  const source = { left: x.first, top: y.first, width: x.end - x.first, height: y.end - y.first }
  const pixels = await readPixels(picture, picture.frame(index).extract(storedRectangle(source, size, orientation)))
  return viewsOf(pixels, (background) => pillowResize(rgbRows(pixels, orientation, { top: y.first, background }), x, y))
}

/** Turns the picture only once it is small. */
async function resizeFast(picture: Picture, index: number, { resized, crop }: Geometry, { resample }: Preprocessing) {
  const { orientation } = picture
  const { width, height } = turnedSize(resized, orientation)
  const pipeline = picture
    .frame(index)
    .resize(width, height, { fit: 'fill', fastShrinkOnLoad: false, kernel: KERNELS[resample as keyof typeof KERNELS] })
    .extract(storedRectangle(crop, resized, orientation))
  const pixels = await readPixels(picture, pipeline)
  return viewsOf(pixels, (background) => collect(rgbRows(pixels, orientation, { background }), crop))
}

function viewsOf(pixels: Pixels, over: (background: number) => Uint8Array): View[] {
  if (isOpaque(pixels)) return [{ view: 'full', pixels: over(0) }]
  return [
    { view: 'on-black', pixels: over(0) },
    { view: 'on-white', pixels: over(255) },
  ]
}

function collect(rows: RowReader, { width, height }: Geometry['crop']): Uint8Array {
  const pixels = new Uint8Array(width * height * 3)
  for (let y = 0; y < height; y++) pixels.set(rows(y), y * width * 3)
  return pixels
}
