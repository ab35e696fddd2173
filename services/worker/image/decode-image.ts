import { type AskedViews, framesSeen } from '../../core/domain/views.ts'
import type { Preprocessing, View } from '../clip/preprocessing.ts'
import { cutTile } from './cut-tile.ts'
import { type OpenOptions, openPicture, type Picture } from './open-picture.ts'
import { storedRectangle, turnedSize } from './orientation.ts'
import { pillowResize, type RowReader } from './pillow-resize.ts'
import { readPixels } from './read-pixels.ts'
import { axisWeights } from './resample-weights.ts'
import { enlarges, type Geometry, resizeGeometry } from './resize-geometry.ts'
import { isOpaque, type Pixels, rgbRows } from './rgb-rows.ts'
import { type TileGeometry, tileGeometry } from './tile-geometry.ts'

export type DecodedImage = {
  /** As the picture is shown, in pixels. */
  width: number
  height: number
  mime: string
  /** Of an animation; 1 of any other picture. */
  frames: number
  /** `full`, or `on-black` and `on-white` of a picture that is transparent somewhere; the same of tiles and later frames, after `tile-R-C-` and `frame-N-`. */
  views: View[]
  /** Tiles and later frames, `tile-R-C` and `frame-N`, that could not be decoded. */
  missing: string[]
}

export type DecodeSettings = OpenOptions & {
  preprocessing: Preprocessing
  /** `exact` resizes as the reference does, bit for bit; `fast` lets sharp shrink, which is near enough, and resizes exactly what must grow. */
  mode: 'fast' | 'exact'
}

const KERNELS = { bicubic: 'cubic', bilinear: 'linear', lanczos: 'lanczos3' } as const

export type DecodeProgress = {
  /** What is wanted besides the first and the middle frame. */
  asked?: AskedViews | undefined
  /** Hears of the result so far before more of the picture is tried. */
  onSoFar?: (image: DecodedImage) => void
  /** Asked before that; where it may not, what was asked for is missing. */
  mayGoOn?: () => boolean
}

/** What is decoded after the first frame, at one go; the middle frame, which every policy sees, or what some ask for. */
type Step = { names: string[]; isAskedFor: boolean; decode: () => Promise<View[]> }

/**
 * Decodes a file into what the model sees of it: the picture, of an animation also the middle frame (N counts from 0), and what is asked for.
 * Rejects when the first frame does not decode.
 */
export async function decodeImage(
  path: string,
  settings: DecodeSettings,
  { asked = { tiles: false, frames: [] }, onSoFar, mayGoOn = () => true }: DecodeProgress = {},
): Promise<DecodedImage> {
  const picture = await openPicture(path, settings)
  const { size, mime, frames } = picture
  const views = await decodeFrame(picture, 0, settings)
  const steps = stepsAfterFirst(picture, settings, asked)
  let image: DecodedImage = { ...size, mime, frames, views, missing: steps.flatMap(({ names }) => names) }
  for (const step of steps) {
    if (!mayGoOn() && step.isAskedFor) break
    onSoFar?.(image)
    image = await take(step, image)
  }
  return image
}

async function take({ names, decode }: Step, image: DecodedImage): Promise<DecodedImage> {
  try {
    const views = [...image.views, ...(await decode())]
    return { ...image, views, missing: image.missing.filter((name) => !names.includes(name)) }
  } catch {
    return image
  }
}

/** The middle frame first. */
function stepsAfterFirst(picture: Picture, settings: DecodeSettings, { tiles, frames }: AskedViews): Step[] {
  const frameStep =
    (isAskedFor: boolean) =>
    (index: number): Step => ({
      names: [`frame-${index}`],
      isAskedFor,
      decode: async () => nameAfter(`frame-${index}`, await decodeFrame(picture, index, settings)),
    })
  const [, ...middle] = framesSeen(picture.frames, [])
  const others = framesSeen(picture.frames, frames).filter((index) => index > 0 && !middle.includes(index))
  const geometry = tiles ? tileGeometry(picture.size, settings.preprocessing) : undefined
  return [
    ...middle.map(frameStep(false)),
    ...(geometry ? [tileStep(picture, settings, geometry)] : []),
    ...others.map(frameStep(true)),
  ]
}

/** All tiles are cut from one picture that is resized for them: it is decoded once. */
function tileStep(picture: Picture, settings: DecodeSettings, { resized, tiles }: TileGeometry): Step {
  const whole = { resized, crop: { left: 0, top: 0, ...resized } }
  return {
    names: tiles.map(({ view }) => view),
    isAskedFor: true,
    decode: async () => {
      const views = await decodeFrame(picture, 0, settings, whole)
      return tiles.flatMap((tile) => nameAfter(tile.view, cutTile(views, resized, tile)))
    },
  }
}

async function decodeFrame(
  picture: Picture,
  index: number,
  { preprocessing, mode }: DecodeSettings,
  geometry = resizeGeometry(picture.size, preprocessing),
): Promise<View[]> {
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

function nameAfter(name: string, views: View[]): View[] {
  return views.map(({ view, pixels }) => ({ view: view === 'full' ? name : `${name}-${view}`, pixels }))
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
