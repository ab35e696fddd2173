import type { ImageSize } from './image-size.ts'

export type JpegSizeScanner = { push(chunk: Uint8Array): void; size(): ImageSize | undefined }

const MARKER = 0xff
const END_OF_IMAGE = 0xd9
const START_OF_SCAN = 0xda
/** Markers and the stray bytes that decoders skip: more than this between the segments is no photo, and not worth reading on. */
const MAX_BYTES_BETWEEN = 65_536

/**
 * Finds the size that a JPEG's frame header (SOF, ITU-T T.81, B.2.2) declares as the bytes pass by, in constant memory: metadata of any length may come before it.
 * Whatever else passes by gives no size.
 */
export function createJpegSizeScanner(): JpegSizeScanner {
  let state: 'between-segments' | 'after-ff' | 'in-header' | 'done' = 'between-segments'
  let marker = 0
  let header: number[] = []
  let toSkip = 0
  let bytesBetween = 0
  let size: ImageSize | undefined

  function push(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length && state !== 'done') {
      const skipped = Math.min(toSkip, chunk.length - at)
      toSkip -= skipped
      at += skipped
      if (at < chunk.length) take(chunk[at++] as number)
    }
  }

  function take(byte: number): void {
    if (state === 'in-header') takeHeader(byte)
    else if (++bytesBetween > MAX_BYTES_BETWEEN) state = 'done'
    else if (byte === MARKER) state = 'after-ff'
    else if (state === 'after-ff') takeMarker(byte)
  }

  function takeMarker(byte: number): void {
    marker = byte
    header = []
    if (byte === START_OF_SCAN || byte === END_OF_IMAGE) state = 'done'
    else state = standsAlone(byte) ? 'between-segments' : 'in-header'
  }

  function takeHeader(byte: number): void {
    header.push(byte)
    if (header.length < (isFrame(marker) ? 7 : 2)) return
    const [lengthHigh = 0, lengthLow = 0, , heightHigh = 0, heightLow = 0, widthHigh = 0, widthLow = 0] = header
    const length = lengthHigh * 256 + lengthLow
    toSkip = Math.max(0, length - 2)
    state = isFrame(marker) || length < 2 ? 'done' : 'between-segments'
    if (isFrame(marker)) size = { width: widthHigh * 256 + widthLow, height: heightHigh * 256 + heightLow }
  }

  return { push, size: () => size }
}

/** SOF0 to SOF15; three codes of that range mean something else (DHT, JPG, DAC). */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
}

/** A stuffed zero, TEM, RST0 to RST7 and SOI have no length after them. */
function standsAlone(marker: number): boolean {
  return marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd8)
}
