import sharp, { type Sharp } from 'sharp'
import type { Rendition } from '../../core/infra/image-task-store.ts'
import { type OpenOptions, openPicture, type Picture } from './open-picture.ts'
import { inSrgb } from './read-pixels.ts'

export type RenderedImage = { mime: string; bytes: Uint8Array }

const DISPLAY_EDGE = 1600
/** WebP at little effort: at more, the encoder would take longer than the decoder. */
const DISPLAY = { quality: 80, effort: 1 }

/** So few pixels are left that no face, writing or body can be made out, however they are enlarged. */
const BLUR_EDGE = 12
const BLUR_SIGMA = 0.9
const BLURRED_EDGE = 256
const BLURRED = { quality: 60, effort: 1 }
const GREY = '#808080'

/** Makes a rendition of a file's first frame, upright, in sRGB, without metadata. Rejects when it does not decode. */
export async function renderImage(path: string, rendition: Rendition, options: OpenOptions): Promise<RenderedImage> {
  const picture = await openPicture(path, options)
  const encoded = rendition === 'display' ? display(picture) : await blurred(picture)
  return { mime: 'image/webp', bytes: await encoded.toBuffer() }
}

function display(picture: Picture): Sharp {
  return upright(picture, DISPLAY_EDGE).webp(DISPLAY)
}

async function blurred(picture: Picture): Promise<Sharp> {
  const { data, info } = await upright(picture, BLUR_EDGE)
    .flatten({ background: GREY })
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  const { width, height, channels } = info
  const few = await sharp(data, { raw: { width, height, channels } }).blur(BLUR_SIGMA).png().toBuffer()
  return sharp(few)
    .resize({ ...box(BLURRED_EDGE), kernel: 'cubic' })
    .webp(BLURRED)
}

/** At most `edge` pixels in either direction, and turned only once it is small. sharp mirrors before it rotates. */
function upright(picture: Picture, edge: number): Sharp {
  const { swap, reverseColumns, reverseRows } = picture.orientation
  const small = inSrgb(picture, picture.frame(0).resize({ ...box(edge), withoutEnlargement: true }))
  // Swapping rows and columns is to mirror top to bottom and to rotate by a right angle.
  return small
    .flop(reverseColumns)
    .flip(reverseRows !== swap)
    .rotate(swap ? 90 : 0)
}

function box(edge: number) {
  return { width: edge, height: edge, fit: 'inside' as const }
}
