import { Writable } from 'node:stream'
import { pino } from 'pino'
import type { Logger } from '../../services/core/infra/logger.ts'

/** A logger whose lines, from `trace` on, are read back as objects. */
export function collectLog(): { log: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = []
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(
        ...chunk
          .toString()
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line)),
      )
      done()
    },
  })
  return { log: pino({ level: 'trace' }, sink), lines }
}
