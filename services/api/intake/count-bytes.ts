import type { Submission } from './accept-upload.ts'

/** Reads as `read` does, and tells `arrive` of each piece of the image before it goes on. What that throws ends the reading. */
export function countBytes(read: Submission['read'], arrive: (byteSize: number) => void): Submission['read'] {
  return (receive) => read((bytes) => receive(counted(bytes, arrive)))
}

async function* counted(bytes: AsyncIterable<Uint8Array>, arrive: (byteSize: number) => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    arrive(chunk.length)
    yield chunk
  }
}
