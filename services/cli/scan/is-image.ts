import { open } from 'node:fs/promises'
import { fileTypeFromBuffer } from 'file-type'

/** What the decoder reads. An animated PNG is read as its first frame. */
const TYPES = new Set(['image/jpeg', 'image/png', 'image/apng', 'image/webp', 'image/gif'])
/** Beyond this file-type looks only at the ends of archives. */
const HEAD_BYTES = 4100

/** Whether a file begins as an image that can be judged, whatever its name; AVIF only on request. */
export async function isImage(file: string, { avif }: { avif: boolean }): Promise<boolean> {
  const type = await fileTypeFromBuffer(await readHead(file))
  return type !== undefined && (TYPES.has(type.mime) || (avif && type.mime === 'image/avif'))
}

async function readHead(file: string): Promise<Uint8Array> {
  const handle = await open(file)
  try {
    const { buffer, bytesRead } = await handle.read(new Uint8Array(HEAD_BYTES), 0, HEAD_BYTES, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}
