import { type FeedPosition, type FeedType, isAfter } from '../../core/domain/feed.ts'
import { type FeedBatch, type FeedItem, toBatch } from './feed-item.ts'

/** Somebody who is told of events, in order, each once. */
export type Follower = {
  types: readonly FeedType[]
  /** It has been told of everything up to here. */
  position: FeedPosition
  take(batch: FeedBatch): void
}

/** Batches that several followers get, by where those are and what they want. */
type Batches = Map<string, FeedBatch | undefined>

export type FeedChannel = ReturnType<typeof createFeedChannel>

/** Whoever joins has read the database moments ago: it lacks what has come since. */
const REMEMBERED_BYTES = 500_000
/** No longer: nobody erases here what is erased in the database. */
const REMEMBERED_MS = 10_000

/** The events of one tenant from `start` on, for those in this process who follow them. */
export function createFeedChannel(start: FeedPosition, now = () => performance.now()) {
  const followers = new Set<Follower>()
  const remembered: { item: FeedItem; until: number }[] = []
  let rememberedBytes = 0
  let rememberedFrom = start
  let position = start

  function remember(items: FeedItem[]): void {
    const until = now() + REMEMBERED_MS
    remembered.push(...items.map((item) => ({ item, until })))
    for (const { frame } of items) rememberedBytes += frame.length
    for (;;) {
      const [oldest] = remembered
      if (!oldest || (rememberedBytes <= REMEMBERED_BYTES && now() < oldest.until)) break
      remembered.shift()
      rememberedBytes -= oldest.item.frame.length
      rememberedFrom = oldest.item.position
    }
  }

  return {
    followers: followers as ReadonlySet<Follower>,

    /** What has come is told up to here. */
    position: () => position,

    /** Whether nothing that followed this place is missing here. */
    covers: (place: FeedPosition) => !isAfter(rememberedFrom, place) && !isAfter(place, position),

    /** Whoever has read the database to its end may be ahead of what is covered. False when too much has come since. */
    join(follower: Follower): boolean {
      if (isAfter(rememberedFrom, follower.position)) return false
      followers.add(follower)
      const items = remembered.map(({ item }) => item)
      tell(follower, items, position, new Map())
      return true
    },

    leave: (follower: Follower) => followers.delete(follower),

    /** Tells all who follow of the next events, up to `end`; called now and then without any, so that the last are not remembered for ever. */
    publish(items: FeedItem[], end: FeedPosition): void {
      remember(items)
      position = end
      const batches: Batches = new Map()
      for (const follower of followers) tell(follower, items, end, batches)
    },
  }
}

function tell(follower: Follower, items: FeedItem[], end: FeedPosition, batches: Batches): void {
  const { position: from, types } = follower
  const key = `${from.xid}.${from.seq} ${types}`
  if (!batches.has(key))
    batches.set(key, toBatch(items.filter(({ position, type }) => isAfter(position, from) && types.includes(type))))
  if (isAfter(end, from)) follower.position = end
  const batch = batches.get(key)
  if (batch) follower.take(batch)
}
