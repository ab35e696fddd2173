import { type Signal, signal } from '@preact/signals'

export const FEED_TYPES = [
  'upload.decided',
  'review.opened',
  'review.claimed',
  'review.released',
  'review.resolved',
  'review.reopened',
] as const
export type FeedType = (typeof FEED_TYPES)[number]

/** What came by the feed; `data` is the event's, for its type. */
export type FeedEvent<Data = unknown> = { type: FeedType; timestamp: string; data: Data }

export type FeedListener = {
  types: readonly FeedType[]
  onEvent(event: FeedEvent<never>): void
  /** Events were missed: what is shown must be read again. */
  onReset?(): void
}

export type Feed = {
  status: Signal<'idle' | 'connecting' | 'live' | 'broken'>
  /** Returns what ends it. */
  subscribe(listener: FeedListener): () => void
  close(): void
}

const FIRST_RETRY_MS = 1000
const LONGEST_RETRY_MS = 30_000

/**
 * One connection for the whole dashboard, with the types that somebody listens to: when these change it begins again where it was.
 * The browser reconnects by itself while the service answers; when it was refused we ask `isSignedIn` and try again, ever more slowly.
 */
export function createFeed({ isSignedIn }: { isSignedIn(): Promise<boolean> }): Feed {
  const status = signal<'idle' | 'connecting' | 'live' | 'broken'>('idle')
  const listeners = new Set<FeedListener>()
  let source: EventSource | undefined
  let connectedTypes = ''
  let cursor = ''
  let retryMs = FIRST_RETRY_MS
  let timer: ReturnType<typeof setTimeout> | undefined

  const wantedTypes = () => FEED_TYPES.filter((type) => [...listeners].some(({ types }) => types.includes(type))).join(',')

  const disconnect = () => {
    clearTimeout(timer)
    source?.close()
    source = undefined
    connectedTypes = ''
    status.value = 'idle'
  }
  const tell = (type: FeedType, text: string) => {
    const event = JSON.parse(text) as FeedEvent<never>
    for (const listener of [...listeners]) if (listener.types.includes(type)) listener.onEvent(event)
  }
  const connect = () => {
    const types = wantedTypes()
    if (types === connectedTypes) return
    disconnect()
    if (!types) return
    connectedTypes = types
    status.value = 'connecting'
    const query = new URLSearchParams({ types, ...(cursor && { cursor }) })
    const opened = new EventSource(`/v1/feed?${query}`)
    source = opened
    opened.onopen = () => {
      status.value = 'live'
      retryMs = FIRST_RETRY_MS
    }
    opened.onerror = () => {
      status.value = 'broken'
      if (opened.readyState === EventSource.CLOSED && source === opened) void retry()
    }
    opened.addEventListener('hello', ({ lastEventId }) => {
      cursor = lastEventId || cursor
    })
    opened.addEventListener('reset', ({ lastEventId }) => {
      cursor = lastEventId
      for (const listener of [...listeners]) listener.onReset?.()
    })
    for (const type of types.split(',') as FeedType[])
      opened.addEventListener(type, ({ data, lastEventId }) => {
        cursor = lastEventId || cursor
        tell(type, data)
      })
  }
  const retry = async () => {
    connectedTypes = ''
    if (!(await isSignedIn())) return
    clearTimeout(timer)
    timer = setTimeout(connect, retryMs)
    retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS)
  }
  /** A page that goes and a page that comes are one change. */
  const connectSoon = () => {
    clearTimeout(timer)
    timer = setTimeout(connect, 50)
  }

  return {
    status,
    subscribe(listener) {
      listeners.add(listener)
      connectSoon()
      return () => {
        listeners.delete(listener)
        connectSoon()
      }
    },
    close: () => {
      disconnect()
      cursor = ''
    },
  }
}
