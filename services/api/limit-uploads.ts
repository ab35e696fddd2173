import { AppError } from '../core/domain/errors.ts'

export type MostUploads = { uploads: number; bytes?: number }

/** Runs `work` on an upload whose request announces `announcedBytes`, if any; `work` tells of the bytes of its image as they come. */
export type UploadLimit = <T>(announcedBytes: number, work: (arrive: (byteSize: number) => void) => Promise<T>) => Promise<T>

/**
 * Lets work on at most so many uploads run at once, and so many bytes: each holds as many as it announced, or more once more have come. What is beyond is
 * refused with AppError `overloaded`, in the middle of an upload too: waiting would only hold connections. An upload that is alone may be of any size.
 */
export function limitUploads({ uploads: mostUploads, bytes: mostBytes = Number.POSITIVE_INFINITY }: MostUploads): UploadLimit {
  let running = 0
  let heldBytes = 0

  return async (announcedBytes, work) => {
    if (running >= mostUploads) throw overloaded(`${mostUploads} uploads`)
    let ownBytes = 0
    let arrivedBytes = 0
    const hold = (byteSize: number) => {
      const more = Math.max(0, byteSize - ownBytes)
      if (heldBytes > ownBytes && heldBytes + more > mostBytes) throw overloaded(`${mostBytes} bytes`)
      ownBytes += more
      heldBytes += more
    }
    hold(announcedBytes)
    running += 1
    try {
      return await work((byteSize) => {
        arrivedBytes += byteSize
        hold(arrivedBytes)
      })
    } finally {
      running -= 1
      heldBytes -= ownBytes
    }
  }
}

function overloaded(what: string): AppError {
  return new AppError('overloaded', `${what} are being received: try again in a moment`)
}
