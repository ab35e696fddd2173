import { fileTypeFromBuffer } from 'file-type'
import { GIF } from 'image-size/types/gif'
import { HEIF } from 'image-size/types/heif'
import { PNG } from 'image-size/types/png'
import { WEBP } from 'image-size/types/webp'
import { AppError } from '../../core/domain/errors.ts'
import type { ImageSize } from './image-size.ts'
import { createJpegSizeScanner } from './jpeg-size-scanner.ts'

export type ImageMime = 'image/jpeg' | 'image/png' | 'image/webp' | 'image/gif' | 'image/avif'

export type ImageLimits = { maxPixels: number; avif: boolean }

export type ImageHeader = {
  /** Throws AppError `unsupported-media-type` or `too-many-pixels` as soon as that is clear. */
  push(chunk: Uint8Array): Promise<void>
  /** What the bytes declare, once all of them were pushed. Without a size when it could not be found. Throws as `push` does. */
  end(): Promise<{ mime: ImageMime } & Partial<ImageSize>>
}

/** Enough for every size but a JPEG's, and little enough for a hostile header to be read in a moment. */
const HEAD_BYTES = 8192
/** What is needed to tell a type. */
const SIGNATURE_BYTES = 4100

const PARSERS = { 'image/png': PNG, 'image/gif': GIF, 'image/webp': WEBP, 'image/avif': HEIF }
const ACCEPTED: Record<string, ImageMime> = {
  'image/jpeg': 'image/jpeg',
  'image/png': 'image/png',
  'image/apng': 'image/png',
  'image/webp': 'image/webp',
  'image/gif': 'image/gif',
  'image/avif': 'image/avif',
}

/** Reads an image's type and size from its bytes as they pass by. Nothing is decoded. */
export function createImageHeader({ maxPixels, avif }: ImageLimits): ImageHeader {
  // Memory of its own: size parsers may look past the end of a short file, and must find zeros there.
  const head = new Uint8Array(HEAD_BYTES)
  let filled = 0
  let mime: ImageMime | undefined
  const jpeg = createJpegSizeScanner()

  async function push(chunk: Uint8Array): Promise<void> {
    jpeg.push(chunk)
    if (filled < HEAD_BYTES) {
      const taken = chunk.subarray(0, HEAD_BYTES - filled)
      head.set(taken, filled)
      filled += taken.length
      if (filled === HEAD_BYTES) await identify()
    }
    refuseTooManyPixels(mime === 'image/jpeg' ? jpeg.size() : undefined)
  }

  async function identify(): Promise<void> {
    mime = await mimeOf(head.subarray(0, Math.min(filled, SIGNATURE_BYTES)), avif)
    refuseTooManyPixels(size())
  }

  function size(): ImageSize | undefined {
    if (mime === undefined) return undefined
    const found = mime === 'image/jpeg' ? jpeg.size() : declaredSize(head.subarray(0, filled), mime)
    return found && found.width > 0 && found.height > 0 ? found : undefined
  }

  function refuseTooManyPixels(found: ImageSize | undefined): void {
    if (found === undefined || found.width * found.height <= maxPixels) return
    const { width, height } = found
    throw new AppError(
      'too-many-pixels',
      `the image is ${width} × ${height} pixels; at most ${maxPixels / 1_000_000} megapixels are accepted`,
      { details: { width, height, max_pixels: maxPixels } },
    )
  }

  return {
    push,
    async end() {
      if (mime === undefined) await identify()
      return { mime: mime as ImageMime, ...size() }
    },
  }
}

async function mimeOf(head: Uint8Array, avif: boolean): Promise<ImageMime> {
  const found = await fileTypeFromBuffer(head).catch(() => undefined)
  const mime = found && ACCEPTED[found.mime]
  if (mime !== undefined && (mime !== 'image/avif' || avif)) return mime
  const accepted = `JPEG, PNG, WebP${avif ? ', GIF and AVIF' : ' and GIF'}`
  const what = found ? `the content is ${found.mime}` : 'the content is no image that is known here'
  throw new AppError('unsupported-media-type', `${what}; accepted are ${accepted}, judged by content, not by name or header`)
}

function declaredSize(head: Uint8Array, mime: keyof typeof PARSERS): ImageSize | undefined {
  try {
    const parser = PARSERS[mime]
    if (!parser.validate(head)) return undefined
    const { width, height } = parser.calculate(head)
    return { width, height }
  } catch {
    return undefined
  }
}
