import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from '../core/infra/logger.ts'

export type Runnable = { exited: Promise<unknown>; stop(): Promise<void> }
export type KeepRunningOptions = {
  name: string
  /** What runs already. */
  running: Runnable
  /** Starts it once more; when it rejects, it is tried again later. */
  restart: () => Promise<Runnable> | Runnable
  log: Logger
}

const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 10_000
/** Who has run for this long starts from the first pause again. */
const STABLE_MS = 60_000

/** Starts what ends unexpectedly again, after 1 s, then 2 s, 4 s and so on up to 10 s, until `stop`. */
export function keepRunning({ name, running, restart, log }: KeepRunningOptions): { stop(): Promise<void> } {
  const stopping = new AbortController()
  let current: Runnable = running
  const watch = async () => {
    let pauseMs = FIRST_PAUSE_MS
    while (!stopping.signal.aborted) {
      const since = performance.now()
      const exit = await current.exited
      if (stopping.signal.aborted) return
      if (performance.now() - since > STABLE_MS) pauseMs = FIRST_PAUSE_MS
      log.error({ service: name, exit, pauseMs }, 'ended unexpectedly; starting it again')
      await pause(pauseMs, undefined, { signal: stopping.signal }).catch(() => {})
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)
      if (!stopping.signal.aborted) current = await attempt()
    }
  }
  const attempt = async (): Promise<Runnable> => {
    try {
      return await restart()
    } catch (error) {
      log.error({ service: name, err: error }, 'did not start')
      return { exited: Promise.resolve(), stop: async () => {} }
    }
  }
  const watching = watch()
  return {
    async stop() {
      // A server that outlives us does not keep us alive, nor does waiting for its end.
      const awake = setInterval(() => {}, LONGEST_PAUSE_MS)
      try {
        stopping.abort()
        await current.stop()
        await watching
        // A restart that was on its way has ended by now.
        await current.stop()
      } finally {
        clearInterval(awake)
      }
    },
  }
}
