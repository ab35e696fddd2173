import type { Logger } from '../core/infra/logger.ts'

export type Task = { stop(): Promise<void> }

/** Runs `work` every `ms` milliseconds, never twice at once; an error is logged and the next run comes as usual. `stop` waits for a run in progress. */
export function every(ms: number, what: string, work: () => Promise<void>, log: Logger): Task {
  let running: Promise<void> | undefined
  const run = async () => {
    try {
      await work()
    } catch (error) {
      log.warn({ err: error }, `${what} failed`)
    }
    running = undefined
  }
  const timer = setInterval(() => {
    running ??= run()
  }, ms)
  return {
    async stop() {
      clearInterval(timer)
      await running
    },
  }
}
