import { createServer } from 'node:net'
import { AppError } from '../core/domain/errors.ts'

/** A TCP port of `host` that nobody listens on right now. Somebody may before you do: be ready to ask again. */
export function freePort(host: string): Promise<number> {
  return tryPort(host, 0)
}

export function isPortFree(host: string, port: number): Promise<boolean> {
  return tryPort(host, port).then(
    () => true,
    () => false,
  )
}

/** Throws AppError `invalid-config` when `port` cannot be listened on, for example because somebody does. */
export async function checkPort(host: string, port: number): Promise<void> {
  try {
    await tryPort(host, port)
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const why = code === 'EADDRINUSE' ? `port ${port} of ${host} is in use` : message
    throw new AppError('invalid-config', `${why}: set PORT (0 takes a free one)`, { cause })
  }
}

async function tryPort(host: string, port: number): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address ? address.port : port
}
