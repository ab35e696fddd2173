import { createHash } from 'node:crypto'
import { AppError } from '../../core/domain/errors.ts'
import { createImageHeader, type ImageLimits, type ImageMime } from './image-header.ts'
import type { ImageSize } from './image-size.ts'

export type ReceiveLimits = ImageLimits & { maxUploadBytes: number }
export type ReceivedImage = { sha256: string; byteSize: number; mime: ImageMime } & Partial<ImageSize>
/** Takes the bytes to where they stay, and resolves when they are durable. */
export type Sink = (bytes: AsyncIterable<Uint8Array>) => Promise<void>

/**
 * Streams an image from `source` into `sink`, and hashes, counts and checks it on the way. It is held nowhere.
 * Throws AppError `empty-body`, `payload-too-large`, `unsupported-media-type` or `too-many-pixels`, as early as that is clear,
 * and what `source` or `sink` throw; the sink then sees the error too.
 */
export async function receiveImage(source: AsyncIterable<Uint8Array>, sink: Sink, limits: ReceiveLimits): Promise<ReceivedImage> {
  const { maxUploadBytes } = limits
  const hash = createHash('sha256')
  const header = createImageHeader(limits)
  let byteSize = 0
  let found: Awaited<ReturnType<typeof header.end>> | undefined

  async function* checked() {
    for await (const chunk of source) {
      byteSize += chunk.length
      if (byteSize > maxUploadBytes) throw tooLarge(maxUploadBytes)
      hash.update(chunk)
      await header.push(chunk)
      yield chunk
    }
    if (byteSize === 0) throw new AppError('empty-body', 'the upload has no bytes')
    found = await header.end()
  }

  await sink(checked())
  if (!found) throw new Error('the sink did not read the image to its end')
  return { sha256: hash.digest('hex'), byteSize, ...found }
}

export function tooLarge(maxUploadBytes: number): AppError {
  return new AppError('payload-too-large', `an upload may have at most ${maxUploadBytes} bytes`, {
    details: { max_bytes: maxUploadBytes },
  })
}
