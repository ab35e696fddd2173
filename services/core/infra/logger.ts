import { type Logger, pino, stdSerializers } from 'pino'
import pretty from 'pino-pretty'

export type { Logger } from 'pino'

/** JSON lines on stdout; readable ones when it is a terminal. Keys and signatures are never logged, and headers that carry them are cut out. */
export function createLogger({ level, name }: { level: string; name: string }): Logger {
  const options = {
    name,
    level,
    serializers: { err: stdSerializers.err, error: stdSerializers.err },
    redact: ['req.headers.authorization', 'req.headers.cookie', 'headers.authorization', 'headers.cookie'],
  }
  return process.stdout.isTTY ? pino(options, pretty({ ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l' })) : pino(options)
}

/** A logger that says nothing, for tests and for the CLI. */
export function silentLogger(): Logger {
  return pino({ level: 'silent' })
}
