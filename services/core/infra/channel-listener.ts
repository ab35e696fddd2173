import { setTimeout as pause } from 'node:timers/promises'
import { Client } from 'pg'
import type { Logger } from './logger.ts'

export type ChannelListenerOptions = {
  /** A connection string. */
  url: string
  channel: string
  onMessage: (payload: string) => void
  /** The connection was opened, perhaps again: what was announced before went unheard. */
  onConnect: () => void
  log: Logger
}

export type ChannelListener = { close(): Promise<void> }

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5000
const END_TIMEOUT_MS = 1000

/** Hears what is announced by NOTIFY, on a connection of its own, which it opens again whenever it breaks. */
export function listenOnChannel({ url, channel, onMessage, onConnect, log }: ChannelListenerOptions): ChannelListener {
  const closing = new AbortController()
  const closed = new Promise<void>((resolve) => closing.signal.addEventListener('abort', () => resolve(), { once: true }))

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
    client.on('error', (error) => log.warn({ err: error, channel }, 'lost a connection that listens'))
    client.on('notification', ({ payload }) => onMessage(payload ?? ''))
    try {
      await client.connect()
      await client.query(`LISTEN ${channel}`)
      onConnect()
      await Promise.race([ended, closed])
      return true
    } catch (error) {
      log.warn({ err: error, channel }, 'announcements cannot be heard')
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
    async close() {
      closing.abort()
      await running
    },
  }
}
