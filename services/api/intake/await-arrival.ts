import type { IncomingMessage } from 'node:http'
import { AppError } from '../../core/domain/errors.ts'

/** Less than a request buffers before it lets its client wait. */
export const ARRIVED_BYTES = 16_000

/**
 * Resolves when so much of a body is at hand, or all of it. Nothing is read: who sends a byte now and then takes no place from others meanwhile.
 * Throws AppError `invalid-request` when no more can come.
 */
export async function awaitArrival(request: IncomingMessage): Promise<void> {
  const hasArrived = () => request.complete || request.readableLength >= ARRIVED_BYTES
  await new Promise<void>((resolve, reject) => {
    if (hasArrived()) return resolve()
    const look = () => {
      if (request.destroyed) reject(new AppError('invalid-request', 'the connection broke off before there was an upload'))
      else if (!hasArrived()) return
      request.off('readable', look).off('close', look)
      resolve()
    }
    request.on('readable', look).on('close', look)
  })
}
