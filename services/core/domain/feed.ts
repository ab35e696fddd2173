import { AppError } from './errors.ts'
import { EVENT_TYPES, type EventType, type HandledType } from './events.ts'

/** What the feed carries: all that webhooks do, and what moderators see of each other's work. */
export const FEED_TYPES = [...EVENT_TYPES, 'review.claimed', 'review.released', 'review.reopened'] as const satisfies (
  | EventType
  | HandledType
)[]
export type FeedType = (typeof FEED_TYPES)[number]

/** A place between events: `seq` events into the transaction `xid`. Transactions have the order of their numbers, whenever they end. */
export type FeedPosition = { xid: bigint; seq: bigint }

export function isAfter(a: FeedPosition, b: FeedPosition): boolean {
  return a.xid > b.xid || (a.xid === b.xid && a.seq > b.seq)
}

/** A position as clients keep it: a text that says nothing to them. */
export function formatCursor({ xid, seq }: FeedPosition): string {
  return Buffer.from(`${xid}.${seq}`).toString('base64url')
}

const POSITION = /^(\d{1,20})\.(\d{1,19})$/
/** What PostgreSQL's xid8 and bigint hold. */
const HIGHEST_XID = 2n ** 64n - 1n
const HIGHEST_SEQ = 2n ** 63n - 1n

/** Throws AppError `invalid-request` for what `formatCursor` has not made. */
export function parseCursor(cursor: string): FeedPosition {
  const [, xid, seq] = POSITION.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  const position = { xid: BigInt(xid ?? -1), seq: BigInt(seq ?? -1) }
  if (xid === undefined || position.xid > HIGHEST_XID || position.seq > HIGHEST_SEQ || formatCursor(position) !== cursor)
    throw new AppError('invalid-request', 'the cursor is not one of ours')
  return position
}
