import type { FeedPosition } from '../../core/domain/feed.ts'
import type { FeedHub, FeedReader } from './feed-hub.ts'
import type { FeedItem } from './feed-item.ts'

export type NextEventsOptions = Pick<FeedReader, 'tenant' | 'types' | 'after'> & {
  waitMs: number
  /** The most events. */
  limit: number
  /** Nobody is there any more to tell. */
  gone: AbortSignal
}

export type NextEvents = {
  items: FeedItem[]
  /** Everything is told up to here. */
  position: FeedPosition
  /** Events that followed `after` may be gone. */
  reset: boolean
}

/** Reads until there is something to tell of, `waitMs` have passed since there was nothing, or the feed closes. Throws as `FeedHub.follow` does. */
export async function nextEvents(
  feed: Pick<FeedHub, 'follow'>,
  { waitMs, limit, gone, ...reader }: NextEventsOptions,
): Promise<NextEvents> {
  const left = new AbortController()
  let position = reader.after ?? { xid: 0n, seq: 0n }
  let timer: NodeJS.Timeout | undefined

  return new Promise((resolve, reject) => {
    const settle = (told: Partial<NextEvents> = {}) => {
      if (left.signal.aborted) return
      clearTimeout(timer)
      left.abort('settled')
      resolve({ items: [], position, reset: false, ...told })
    }
    if (gone.aborted) return settle()
    gone.addEventListener('abort', () => settle(), { once: true })
    const following = feed.follow({
      ...reader,
      atOnce: limit,
      gone: left.signal,
      end: settle,
      begin(how, start) {
        position = start
        if (how === 'reset') settle({ reset: true })
      },
      take(batch) {
        const items = batch.items.slice(0, limit)
        settle({ items, position: (items.at(-1) as FeedItem).position })
        return undefined
      },
    })
    following.then((reached) => {
      if (left.signal.aborted) return
      const timeUp = () => settle({ position: reached() })
      if (waitMs === 0) timeUp()
      else timer = setTimeout(timeUp, waitMs)
    }, reject)
  })
}
