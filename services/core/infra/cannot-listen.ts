import { AppError } from '../domain/errors.ts'

/** Throws AppError `invalid-config` for a server's error: the address that `settings` give is taken, or is not ours. */
export function cannotListen(settings: string, { host, port }: { host: string; port: number }, cause: unknown): never {
  const { code, message } = cause as NodeJS.ErrnoException
  const why = code === 'EADDRINUSE' ? 'something else listens there' : message
  throw new AppError('invalid-config', `configuration:\n  ${settings}: ${host}:${port} cannot be had: ${why}`, { cause })
}
