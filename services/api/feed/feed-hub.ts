import { AppError } from '../../core/domain/errors.ts'
import { FEED_TYPES, type FeedPosition, type FeedType } from '../../core/domain/feed.ts'
import { listenOnChannel } from '../../core/infra/channel-listener.ts'
import { FEED_CHANNEL, type FeedPage, type FeedStore } from '../../core/infra/feed-store.ts'
import type { Logger } from '../../core/infra/logger.ts'
import type { Metrics } from '../../core/infra/metrics.ts'
import { atMost } from './at-most.ts'
import { createFeedChannel, type FeedChannel, type Follower } from './feed-channel.ts'
import { type FeedBatch, toBatch, toItem } from './feed-item.ts'
import { keepReading, type Reading } from './keep-reading.ts'

/** Where a reader begins: where it said; now, since it said nothing; or now although it said something, for what followed may be gone. */
export type Beginning = 'resumed' | 'now' | 'reset'

export type FeedReader = {
  tenant: string
  types: readonly FeedType[]
  /** It has read up to here; undefined for one that begins now. */
  after: FeedPosition | undefined
  /** The most events that it gets at once while it catches up. */
  atOnce: number
  /** Called once, before any event. */
  begin(how: Beginning, position: FeedPosition): void
  /** While it catches up, no more come before the promise resolves. */
  take(batch: FeedBatch): Promise<void> | undefined
  /** No more will come. Not called once it has `gone`. */
  end(): void
  gone: AbortSignal
}

export type FeedHub = {
  /**
   * Resolves once the reader has caught up, to a function that tells how far it has come. Throws AppError `too-many-readers` before `begin`, and
   * `store-unavailable`, perhaps after it.
   */
  follow(reader: FeedReader): Promise<() => FeedPosition>
  /** Ends all readers. */
  close(): Promise<void>
}

export type FeedHubOptions = {
  /** Of the database, to listen on. */
  url: string
  store: Pick<FeedStore, 'head' | 'read'>
  mostReaders: number
  metrics: Pick<Metrics, 'feedReaders' | 'feedEvents'>
  log: Logger
}

/** Events of a tenant that are read at once. */
const PAGE = 500
/** Readings for readers that catch up: others need the pool's connections too. */
const CATCHING_UP_AT_ONCE = 3

/**
 * Reads new events once for all readers of this process. A reader that begins elsewhere than now catches up by readings of its own, and joins the others
 * when it has come to where they are.
 */
export function createFeedHub({ url, store, mostReaders, metrics, log }: FeedHubOptions): FeedHub {
  const channels = new Map<string, FeedChannel>()
  const readers = new Map<FeedReader, Follower>()
  const catchingUp = atMost(CATCHING_UP_AT_ONCE)
  let closed = false

  async function readNews(): Promise<Reading> {
    const open = [...channels].map(([tenant, channel]) => ({ tenant, channel, after: channel.position() }))
    if (open.length === 0) return { outcome: 'done', busyMs: 0 }
    const pages = await store.read(open, { types: FEED_TYPES, limit: PAGE })
    const readAt = performance.now()
    for (const [index, { channel }] of open.entries()) publish(channel, pages[index] as FeedPage)
    const outcome = pages.some(({ more }) => more) ? 'more' : pages.some(({ held }) => held) ? 'held' : 'done'
    return { outcome, busyMs: performance.now() - readAt }
  }

  function publish(channel: FeedChannel, { events, position, lost }: FeedPage): void {
    if (lost) for (const reader of readersOf(channel)) finish(reader)
    else channel.publish(events.map(toItem), position)
  }

  /** Resolves when the reader is one of those who hear of what is new, or has left. */
  async function start(reader: FeedReader, follower: Follower): Promise<void> {
    const { tenant, after } = reader
    const channel = channels.get(tenant)
    if (channel && (after === undefined || channel.covers(after))) {
      follower.position = after ?? channel.position()
      reader.begin(after === undefined ? 'now' : 'resumed', follower.position)
      channel.join(follower)
      return
    }
    let page = await catchingUp(() => firstPage(reader))
    if (!readers.has(reader)) return
    if (after !== undefined && !page.lost) reader.begin('resumed', after)
    else reader.begin(page.lost ? 'reset' : 'now', page.position)
    while (!(await takePage(reader, follower, page))) {
      page = await catchingUp(() => nextPage(reader, follower.position))
      if (page.lost) finish(reader)
    }
  }

  async function firstPage(reader: FeedReader): Promise<FeedPage> {
    if (reader.after !== undefined) return nextPage(reader, reader.after)
    return { events: [], position: await store.head(), more: false, held: false, lost: false }
  }

  async function nextPage({ tenant, types, atOnce }: FeedReader, after: FeedPosition): Promise<FeedPage> {
    const [page] = await store.read([{ tenant, after }], { types, limit: atOnce })
    return page as FeedPage
  }

  /** Resolves to whether there is nothing left to catch up with. */
  async function takePage(reader: FeedReader, follower: Follower, { events, position, more }: FeedPage): Promise<boolean> {
    const batch = toBatch(events.map(toItem))
    if (batch && readers.has(reader)) await give(reader, batch)
    follower.position = position
    return !readers.has(reader) || (!more && join(reader.tenant, follower))
  }

  function join(tenant: string, follower: Follower): boolean {
    const open = channels.get(tenant)
    if (open) return open.join(follower)
    const channel = createFeedChannel(follower.position)
    channels.set(tenant, channel)
    channel.join(follower)
    // Nobody has heeded what was announced since it read.
    news.call()
    return true
  }

  function give(reader: FeedReader, batch: FeedBatch): Promise<void> | undefined {
    metrics.feedEvents.inc(batch.items.length)
    return reader.take(batch)
  }

  function leave(reader: FeedReader): void {
    const follower = readers.get(reader)
    const channel = channels.get(reader.tenant)
    readers.delete(reader)
    metrics.feedReaders.set(readers.size)
    if (follower && channel?.leave(follower) && channel.followers.size === 0) channels.delete(reader.tenant)
  }

  function finish(reader: FeedReader): void {
    if (!readers.has(reader)) return
    leave(reader)
    reader.end()
  }

  function readersOf(channel: FeedChannel): FeedReader[] {
    return [...readers].filter(([, follower]) => channel.followers.has(follower)).map(([reader]) => reader)
  }

  const news = keepReading(readNews, log)
  const listener = listenOnChannel({ url, channel: FEED_CHANNEL, onMessage: news.call, onConnect: news.call, log })

  return {
    async follow(reader) {
      if (closed) throw new AppError('too-many-readers', 'this process is closing')
      if (readers.size >= mostReaders) throw new AppError('too-many-readers', `${mostReaders} readers are here already`)
      const { types, after = { xid: 0n, seq: 0n } } = reader
      const follower: Follower = { types, position: after, take: (batch) => void give(reader, batch) }
      if (reader.gone.aborted) return () => after
      readers.set(reader, follower)
      metrics.feedReaders.set(readers.size)
      reader.gone.addEventListener('abort', () => leave(reader), { once: true })
      try {
        await start(reader, follower)
      } catch (error) {
        leave(reader)
        throw error
      }
      return () => follower.position
    },

    async close() {
      closed = true
      for (const reader of [...readers.keys()]) finish(reader)
      await Promise.all([news.stop(), listener.close()])
    },
  }
}
