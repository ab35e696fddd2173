import { AppError } from '../core/domain/errors.ts'

export type UploadLimit = <T>(work: () => Promise<T>) => Promise<T>

/** Lets at most `most` pieces of work run at once. More are refused with AppError `overloaded`: waiting would only hold their connections. */
export function limitUploads(most: number): UploadLimit {
  let running = 0
  return async (work) => {
    if (running >= most) throw new AppError('overloaded', `${most} uploads are being received: try again in a moment`)
    running += 1
    try {
      return await work()
    } finally {
      running -= 1
    }
  }
}
