import type { FeedPosition, FeedType } from '../domain/feed.ts'

/** Announces that events were written; its payload says nothing. */
export const FEED_CHANNEL = 'pixwarden_feed'

export type FeedPlace = { tenant: string; after: FeedPosition }

export type FeedEvent = {
  position: FeedPosition
  type: FeedType
  /** As it was frozen: {type, timestamp, data}. */
  body: string
}

export type FeedPage = {
  events: FeedEvent[]
  /** What was asked for is read up to here, and nothing will be added before it. */
  position: FeedPosition
  /** There are more. */
  more: boolean
  /** There are more that may be read only once older transactions have ended, which nobody announces. */
  held: boolean
  /** Events that followed the place may have been deleted; or it is of another database. */
  lost: boolean
}

/** The events of all tenants in an order to which nothing is added but at its end. Every method throws AppError `store-unavailable` when PostgreSQL is out of reach. */
export interface FeedStore {
  /** The place after everything that can be read now. */
  head(): Promise<FeedPosition>
  /** For each of the places, the next `limit` events of its tenant that are of one of the types. */
  read(places: FeedPlace[], options: { types: readonly FeedType[]; limit: number }): Promise<FeedPage[]>
  /**
   * Puts events at the end that come from another database server, by way of a dump: its transactions may have had higher numbers than this one's, and
   * nobody would read them before this one's get there.
   */
  adoptRestored(): Promise<void>
}
