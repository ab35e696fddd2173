import sharp, { type Metadata, type Sharp } from 'sharp'
import { exifOrientation, type Orientation, turnedSize } from './orientation.ts'
import type { Size } from './resize-geometry.ts'

export type OpenOptions = {
  maxPixels: number
  /** Takes the numbers of the file as they are, as the reference does. */
  ignoreIcc?: boolean
}

/** What the head of a file says. */
export type Picture = {
  mime: string
  /** As it is shown, in pixels. */
  size: Size
  orientation: Orientation
  frames: number
  /** How many numbers a stored pixel has, and what they mean. */
  colour: 'cmyk-without-profile' | 'sixteen-bit-rgb' | 'other'
  /** Decodes a frame, counted from 0, orientation not applied. */
  frame: (index: number) => Sharp
}

const LOADERS = ['VipsForeignLoadJpeg', 'VipsForeignLoadPng', 'VipsForeignLoadWebp', 'VipsForeignLoadNsgif']

/** Leaves sharp the four formats, AVIF on request, one thread and no cache, for the whole process. */
export function restrictSharp({ avif }: { avif: boolean }): void {
  sharp.block({ operation: ['VipsForeignLoad'] })
  sharp.unblock({ operation: avif ? [...LOADERS, 'VipsForeignLoadHeif'] : LOADERS })
  sharp.cache(false)
  sharp.concurrency(1)
}

/** Reads the head of a file and decodes nothing. Rejects when it is no picture of the formats let in, or has more than `maxPixels` pixels. */
export async function openPicture(path: string, { maxPixels, ignoreIcc = false }: OpenOptions): Promise<Picture> {
  const frame = (page: number) =>
    sharp(path, { failOn: 'error', limitInputPixels: maxPixels, sequentialRead: true, ignoreIcc, page, pages: 1 })
  const head = await frame(0).metadata()
  const orientation = exifOrientation(head.orientation)
  const animated = head.format === 'gif' || head.format === 'webp'
  return {
    mime: head.mediaType ?? `image/${head.format}`,
    size: turnedSize(head, orientation),
    orientation,
    frames: animated ? (head.pages ?? 1) : 1,
    colour: colourOf(head, ignoreIcc),
    frame,
  }
}

function colourOf({ space, hasProfile }: Metadata, ignoreIcc: boolean): Picture['colour'] {
  if (space === 'cmyk' && (ignoreIcc || !hasProfile)) return 'cmyk-without-profile'
  return space === 'rgb16' ? 'sixteen-bit-rgb' : 'other'
}
