import { type ChannelListenerOptions, listenOnChannel } from './channel-listener.ts'

/** Hears the ids that are announced on a channel. */
export type IdListener = {
  /**
   * Resolves to true when something may have happened to `id` and it is worth another look, to false when `timeoutMs` have passed or `signal` aborts.
   * Look after calling this and before awaiting it, and nothing is missed in between.
   */
  waitFor(id: string, timeoutMs: number, signal?: AbortSignal): Promise<boolean>
  close(): Promise<void>
}

/** What is announced while the connection is broken goes unheard: everyone who waits then looks again. */
export function listenForIds(options: Pick<ChannelListenerOptions, 'url' | 'channel' | 'log'>): IdListener {
  const waiters = new Map<string, Set<(heard: boolean) => void>>()
  let closed = false

  const wake = (id: string) => {
    for (const settle of waiters.get(id) ?? []) settle(true)
  }
  const wakeAll = () => {
    for (const id of [...waiters.keys()]) wake(id)
  }
  const listener = listenOnChannel({ ...options, onMessage: wake, onConnect: wakeAll })

  return {
    waitFor(id, timeoutMs, signal) {
      return new Promise((resolve) => {
        const settle = (heard: boolean) => {
          clearTimeout(timer)
          signal?.removeEventListener('abort', giveUp)
          const others = waiters.get(id)
          others?.delete(settle)
          if (others?.size === 0) waiters.delete(id)
          resolve(heard)
        }
        const giveUp = () => settle(false)
        const timer = setTimeout(giveUp, timeoutMs)
        waiters.set(id, (waiters.get(id) ?? new Set()).add(settle))
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
