import { setTimeout as pause } from 'node:timers/promises'
import { Client } from 'pg'
import { DECIDED_CHANNEL } from './conclude-upload.ts'
import type { Logger } from './logger.ts'

export type DecisionListener = {
  /**
   * Resolves to true when the upload may have been decided and its row is worth another look, to false when `timeoutMs` have passed or
   * `signal` aborts. Look at the row after calling this and before awaiting it, and no decision is missed in between.
   */
  waitFor(uploadId: string, timeoutMs: number, signal?: AbortSignal): Promise<boolean>
  close(): Promise<void>
}

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5000
const END_TIMEOUT_MS = 1000

/** Hears of decisions on a connection of its own, which it opens again whenever it breaks. Decisions made meanwhile go unheard: every waiter then looks again. */
export function listenForDecisions({ url, log }: { url: string; log: Logger }): DecisionListener {
  const waiters = new Map<string, Set<(decided: boolean) => void>>()
  const closing = new AbortController()
  const closed = new Promise<void>((resolve) => closing.signal.addEventListener('abort', () => resolve(), { once: true }))

  const wake = (uploadId: string) => {
    for (const settle of waiters.get(uploadId) ?? []) settle(true)
  }
  const wakeAll = () => {
    for (const uploadId of [...waiters.keys()]) wake(uploadId)
  }

  /** Listens until the connection ends, and says whether it ever began. */
  const listen = async (): Promise<boolean> => {
    const client = new Client({
      connectionString: url,
      application_name: 'pixwarden-listen',
      connectionTimeoutMillis: 3000,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    })
    const ended = new Promise<void>((resolve) => client.once('end', resolve).once('error', () => resolve()))
    client.on('error', (error) => log.warn({ err: error }, 'lost the connection that hears of decisions'))
    client.on('notification', ({ payload }) => wake(payload ?? ''))
    try {
      await client.connect()
      await client.query(`LISTEN ${DECIDED_CHANNEL}`)
      wakeAll()
      await Promise.race([ended, closed])
      return true
    } catch (error) {
      log.warn({ err: error }, 'decisions cannot be heard of')
      return false
    } finally {
      await Promise.race([client.end().catch(() => {}), pause(END_TIMEOUT_MS, undefined, { ref: false })])
    }
  }

  const keepListening = async () => {
    let pauseMs = FIRST_PAUSE_MS
    while (!closing.signal.aborted) {
      pauseMs = (await listen()) ? FIRST_PAUSE_MS : Math.min(2 * pauseMs, LONGEST_PAUSE_MS)
      await pause(pauseMs, undefined, { signal: closing.signal }).catch(() => {})
    }
  }
  const running = keepListening()

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
        if (signal?.aborted || closing.signal.aborted) giveUp()
      })
    },
    async close() {
      closing.abort()
      for (const each of [...waiters.values()].flatMap((set) => [...set])) each(false)
      await running
    },
  }
}
