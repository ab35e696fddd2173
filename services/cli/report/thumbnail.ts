import sharp from 'sharp'
import { isTile } from '../../core/domain/views.ts'
import type { Preprocessing, View } from '../../worker/clip/preprocessing.ts'

const EDGE = 240

/**
 * A view as a small JPEG, in a data: URL, in the proportions of the picture, whose size is `image`, or square for a tile. It is made of the decoder's pixels:
 * no file that a stranger made is parsed in this process.
 */
export async function thumbnail(
  { view, pixels }: View,
  { resize, width, height }: Preprocessing,
  image: { width: number; height: number },
) {
  const shown = resize.kind === 'squash' && !isTile(view) ? image : { width, height }
  const scale = Math.min(1, EDGE / Math.max(shown.width, shown.height))
  const size = { width: Math.max(1, Math.round(scale * shown.width)), height: Math.max(1, Math.round(scale * shown.height)) }
  const jpeg = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .resize({ ...size, fit: 'fill' })
    .jpeg({ quality: 60 })
    .toBuffer()
  return { ...size, url: `data:image/jpeg;base64,${jpeg.toString('base64')}` }
}
