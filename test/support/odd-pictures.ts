import { crc32 } from 'node:zlib'

/** A GIF that shows its only frame `times` times. */
export function repeatGifFrame(gif: Buffer, times: number): Buffer {
  const colours = (gif[10] as number) & 0x80 ? 3 * 2 ** (((gif[10] as number) & 7) + 1) : 0
  const head = gif.subarray(0, 13 + colours)
  const frame = gif.subarray(head.length, -1)
  return Buffer.concat([head, ...Array<Buffer>(times).fill(frame), gif.subarray(-1)])
}

/** A PNG that says of itself that it is animated. */
export function claimFrames(png: Buffer, frames: number): Buffer {
  const afterHeader = 8 + 25
  const body = Buffer.alloc(12)
  body.write('acTL')
  body.writeUInt32BE(frames, 4)
  const chunk = Buffer.alloc(20)
  chunk.writeUInt32BE(8)
  body.copy(chunk, 4)
  chunk.writeUInt32BE(crc32(body), 16)
  return Buffer.concat([png.subarray(0, afterHeader), chunk, png.subarray(afterHeader)])
}
