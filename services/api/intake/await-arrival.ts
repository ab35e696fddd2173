import type { IncomingMessage } from 'node:http'

/** Less than a request buffers before it lets its client wait. */
export const ARRIVED_BYTES = 16_000

/**
 * Resolves when so much of a body is at hand, or all of it, or no more can come. Nothing is read: who sends a byte now and then takes no
 * place from others meanwhile.
 */
export async function awaitArrival(request: IncomingMessage): Promise<void> {
  const hasArrived = () => request.complete || request.destroyed || request.readableLength >= ARRIVED_BYTES
  if (hasArrived()) return
  await new Promise<void>((resolve) => {
    const look = () => {
      if (!hasArrived()) return
      request.off('readable', look).off('close', look)
      resolve()
    }
    request.on('readable', look).on('close', look)
  })
}
