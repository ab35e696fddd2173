import { hasCode } from '../domain/errors.ts'
import type { Logger } from './logger.ts'

/** Exit code of sysexits.h for a configuration that cannot be used. */
export const EXIT_CONFIG = 78
const STOP_WITHIN_MS = 14_000

/** npm passes on to its children the signal that the terminal has sent them already: within this time two are one. */
const ECHO_MS = 500

/**
 * Runs `stop` on the first SIGTERM or SIGINT, or once the process that forked this one is gone, and exits 0 when it is done, or 1 when it fails. When it
 * takes too long, or at a second signal, the process is killed.
 */
export function onShutdown(stop: () => Promise<void>, log: Logger): void {
  let stoppingSince: number | undefined
  const begin = (reason: string) => {
    if (stoppingSince !== undefined) return
    stoppingSince = performance.now()
    log.info({ reason }, 'shutting down')
    setTimeout(() => killSelf(log, 'shutdown took too long'), STOP_WITHIN_MS).unref()
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'shutdown failed')
        process.exit(1)
      },
    )
  }
  const onSignal = (signal: NodeJS.Signals) => {
    if (stoppingSince !== undefined && performance.now() - stoppingSince > ECHO_MS) killSelf(log, 'second signal: ending at once')
    begin(signal)
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  process.once('disconnect', () => begin('parent gone'))
  if (process.connected === false) begin('parent gone')
}

/** Runs an entry point: what it throws is printed on stderr and ends the process, with 78 for a bad configuration, else 1. */
export async function runMain(main: () => Promise<void>): Promise<void> {
  try {
    await main()
  } catch (error) {
    const known = hasCode(error, 'invalid-config', 'invalid-policy', 'invalid-model')
    process.stderr.write(`pixwarden: ${known ? error.message : describe(error)}\n`)
    process.exit(known ? EXIT_CONFIG : 1)
  }
}

/** A stack is only for errors that nobody foresaw. */
function describe(error: unknown): string {
  if (hasCode(error, 'store-unavailable')) return `${error.message}: ${reasonOf(error.cause)}`
  return (error instanceof Error && error.stack) || String(error)
}

/** A name with several addresses has an error for each, and none of its own. */
function reasonOf(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(reasonOf).join(', ')
  return cause instanceof Error ? cause.message : String(cause)
}

/** Kills this process: for when a part of it hangs that cannot be stopped, so that whoever watches it starts another. Exiting would wait for that part. */
export function killSelf(log: Logger, why: string): void {
  log.fatal(why)
  process.kill(process.pid, 'SIGKILL')
}

/** Opens something of several parts; when that fails, what was opened by then is closed. */
export async function openOrClose<T>(open: (closers: Closers) => Promise<T>): Promise<T> {
  const closers = new Closers()
  try {
    return await open(closers)
  } catch (error) {
    await closers.close()
    throw error
  }
}

/** A service from its two halves. A stop in the middle of a start waits for it: what it opens meanwhile would stay open. */
export function startStop<T>(open: () => Promise<T>, close: () => Promise<void>): { start(): Promise<T>; stop(): Promise<void> } {
  let starting: Promise<unknown> = Promise.resolve()
  return {
    start() {
      const started = open()
      starting = started
      return started
    },
    async stop() {
      await starting.catch(() => {})
      await close()
    },
  }
}

/** Closes parts in the reverse order of `push`, every one of them, and throws the first error at the end. */
export class Closers {
  readonly #closers: (() => unknown)[] = []

  push(close: () => unknown): void {
    this.#closers.push(close)
  }

  async close(): Promise<void> {
    const errors: unknown[] = []
    for (const close of this.#closers.splice(0).reverse()) {
      try {
        await close()
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors[0]
  }
}
