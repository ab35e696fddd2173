import type { Logger } from '../../core/infra/logger.ts'

/** What a reading has come to: the end of what there is; a full page; or what may be read only in a moment. */
export type Reading = {
  outcome: 'done' | 'more' | 'held'
  /** The time in which this process did nothing else. */
  busyMs: number
}

/** Calls that come within this time are answered by one reading. */
const GATHER_MS = 25
/** Between readings while something is held. */
const LONGEST_PAUSE_MS = 200
/** Reads unasked: a call may have gone unheard. */
const UNASKED_MS = 1000
/** So much longer than a reading has kept the process busy it is left to others. */
const REST = 2

/** Reads whenever it is called to, once for all who call at about the same time, and on as long as there is more; when that fails, again in a second. */
export function keepReading(read: () => Promise<Reading>, log: Logger): { call(): void; stop(): Promise<void> } {
  let called = false
  let stopped = false
  let running: Promise<void> | undefined
  let endRest = () => {}

  async function run(): Promise<void> {
    let pauseMs = GATHER_MS
    while (called && !stopped) {
      called = false
      const { outcome, busyMs } = await read().catch(failed)
      pauseMs = outcome === 'held' ? Math.min(2 * pauseMs, LONGEST_PAUSE_MS) : GATHER_MS
      if (outcome !== 'done') called = true
      await rest(Math.max(pauseMs, REST * busyMs))
    }
    running = undefined
  }

  async function rest(ms: number): Promise<void> {
    if (stopped) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      endRest = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  function failed(error: unknown): Reading {
    log.warn({ err: error }, 'the feed cannot be read')
    return { outcome: 'done', busyMs: 0 }
  }

  const call = () => {
    called = true
    running ??= run()
  }
  const unasked = setInterval(call, UNASKED_MS).unref()

  return {
    call,
    async stop() {
      clearInterval(unasked)
      stopped = true
      endRest()
      await running
    },
  }
}
