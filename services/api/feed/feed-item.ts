import { type FeedPosition, type FeedType, formatCursor } from '../../core/domain/feed.ts'
import type { FeedEvent } from '../../core/infra/feed-store.ts'

/** An event as it is sent, written out once for all who get it. */
export type FeedItem = {
  position: FeedPosition
  type: FeedType
  cursor: string
  body: string
  /** As an event of an event stream (HTML, 9.2.6). The body is JSON on one line. */
  frame: Buffer
}

/** Events that are sent at once, and their frames; never none. */
export type FeedBatch = { items: FeedItem[]; frames: Buffer }

export function toItem({ position, type, body }: FeedEvent): FeedItem {
  const cursor = formatCursor(position)
  return { position, type, cursor, body, frame: Buffer.from(`id: ${cursor}\nevent: ${type}\ndata: ${body}\n\n`) }
}

/** Undefined for no items. */
export function toBatch(items: FeedItem[]): FeedBatch | undefined {
  return items.length === 0 ? undefined : { items, frames: Buffer.concat(items.map(({ frame }) => frame)) }
}
