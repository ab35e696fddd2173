import sharp from 'sharp'
import { sample } from '../support/service.ts'

const BYTES = 100_000

/** A photo of very nearly 100 kB, as sites make them. */
export async function photoOf100kB(): Promise<Buffer> {
  const photo = await sharp(await sample('temple.jpg'))
    .resize(800, 600)
    .jpeg({ quality: 80 })
    .toBuffer()
  if (photo.length > BYTES) throw new Error(`the photo has ${photo.length} bytes`)
  return commented(photo, Buffer.alloc(BYTES - photo.length - COMMENT_BYTES))
}

/** The same photo with a number in it, so that no two are the same file. */
export function numbered(photo: Buffer, number: number): Buffer {
  return commented(photo, Buffer.from(String(number)))
}

const COMMENT_BYTES = 4

/** Adds a comment segment (ITU-T T.81, B.2.4.5) after the start-of-image marker. */
function commented(jpeg: Buffer, text: Buffer): Buffer {
  const segment = Buffer.alloc(COMMENT_BYTES)
  segment.writeUInt16BE(0xfffe, 0)
  segment.writeUInt16BE(text.length + 2, 2)
  return Buffer.concat([jpeg.subarray(0, 2), segment, text, jpeg.subarray(2)])
}

/** A small file whose decoding takes hundreds of megabytes: a progressive JPEG's coefficients are all held at once. */
export async function costlyPicture(): Promise<Buffer> {
  const create = { width: 7000, height: 7000, channels: 3 as const, background: '#888' }
  return sharp({ create }).jpeg({ progressive: true, chromaSubsampling: '4:4:4', quality: 50 }).toBuffer()
}
