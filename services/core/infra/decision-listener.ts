import { listenOnChannel } from './channel-listener.ts'
import { DECIDED_CHANNEL } from './conclude-uploads.ts'
import type { Logger } from './logger.ts'

export type DecisionListener = {
  /**
   * Resolves to true when the upload may have been decided and its row is worth another look, to false when `timeoutMs` have passed or
   * `signal` aborts. Look at the row after calling this and before awaiting it, and no decision is missed in between.
   */
  waitFor(uploadId: string, timeoutMs: number, signal?: AbortSignal): Promise<boolean>
  close(): Promise<void>
}

/** Hears of decisions. Those made while its connection is broken go unheard: every waiter then looks again. */
export function listenForDecisions({ url, log }: { url: string; log: Logger }): DecisionListener {
  const waiters = new Map<string, Set<(decided: boolean) => void>>()
  let closed = false

  const wake = (uploadId: string) => {
    for (const settle of waiters.get(uploadId) ?? []) settle(true)
  }
  const wakeAll = () => {
    for (const uploadId of [...waiters.keys()]) wake(uploadId)
  }
  const listener = listenOnChannel({ url, channel: DECIDED_CHANNEL, onMessage: wake, onConnect: wakeAll, log })

  return {
    waitFor(uploadId, timeoutMs, signal) {
      return new Promise((resolve) => {
        const settle = (decided: boolean) => {
          clearTimeout(timer)
          signal?.removeEventListener('abort', giveUp)
          const others = waiters.get(uploadId)
          others?.delete(settle)
          if (others?.size === 0) waiters.delete(uploadId)
          resolve(decided)
        }
        const giveUp = () => settle(false)
        const timer = setTimeout(giveUp, timeoutMs)
        waiters.set(uploadId, (waiters.get(uploadId) ?? new Set()).add(settle))
        signal?.addEventListener('abort', giveUp)
        if (signal?.aborted || closed) giveUp()
      })
    },
    async close() {
      closed = true
      for (const each of [...waiters.values()].flatMap((set) => [...set])) each(false)
      await listener.close()
    },
  }
}
