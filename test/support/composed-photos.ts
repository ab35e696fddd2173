import sharp from 'sharp'
import { sample } from './service.ts'

/** Of a photo that fills 1200 × 900 pixels, and of a sample pasted into it: a twentieth of its area. */
const PHOTO = { width: 1200, height: 900 }
const PASTED = { width: 240, height: 240 }

/** Where a small thing may be in a photo: its corners and its middle. The corners lie outside of what a model sees of the whole. */
export const PLACES = [
  { left: 36, top: 36 },
  { left: 924, top: 36 },
  { left: 36, top: 624 },
  { left: 924, top: 624 },
  { left: 480, top: 330 },
]

/** A sample photo made large, as JPEG. */
export async function largePhoto(name: string): Promise<Buffer> {
  return sharp(await sample(name))
    .resize({ ...PHOTO, fit: 'cover' })
    .jpeg({ quality: 90 })
    .toBuffer()
}

/** Another sample small in it. */
export async function pasteInto(photo: Buffer, name: string, place: { left: number; top: number }): Promise<Buffer> {
  const input = await sharp(await sample(name))
    .resize({ ...PASTED, fit: 'cover' })
    .toBuffer()
  return sharp(photo)
    .composite([{ input, ...place }])
    .jpeg({ quality: 90 })
    .toBuffer()
}
