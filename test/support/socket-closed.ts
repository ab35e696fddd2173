import type { Socket } from 'node:net'

/** Resolves when a connection is over, however it ended: `once` of node:events would take a reset for a failure. */
export function socketClosed(socket: Socket): Promise<void> {
  socket.on('error', () => {})
  return new Promise((resolve) => {
    if (socket.closed) resolve()
    else socket.once('close', () => resolve())
  })
}
