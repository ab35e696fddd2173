import { once } from 'node:events'
import type { Readable } from 'node:stream'

/** How much may wait for its reader. */
const MOST_BYTES = 1 << 20

/** The chunks of a body, those too that had arrived when it broke: a stream itself drops what it still holds, and the error comes first. */
export async function* everyChunk(body: Readable): AsyncIterable<Buffer> {
  const waiting: Buffer[] = []
  let bytes = 0
  let error: Error | undefined
  const change = new EventTarget()
  const tell = () => change.dispatchEvent(new Event('change'))
  body.on('data', (chunk: Buffer) => {
    waiting.push(chunk)
    bytes += chunk.length
    if (bytes > MOST_BYTES) body.pause()
    tell()
  })
  body.on('error', (cause) => {
    error = cause
  })
  body.on('close', tell)
  try {
    for (;;) {
      const chunk = waiting.shift()
      if (chunk) {
        bytes -= chunk.length
        yield chunk
        if (bytes <= MOST_BYTES) body.resume()
      } else if (body.closed) break
      else await once(change, 'change')
    }
    if (error) throw error
  } finally {
    body.destroy()
  }
}
