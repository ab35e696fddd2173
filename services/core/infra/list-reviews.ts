import { type RawBuilder, sql } from 'kysely'
import { z } from 'zod'
import { AppError } from '../domain/errors.ts'
import type { ReviewView } from '../domain/review-view.ts'
import type { Database } from './database.ts'
import { IS_OPEN, matches } from './review-filter.ts'
import { type ReviewRow, SELECT_REVIEWS, showRow } from './review-rows.ts'
import type { ReviewListing } from './review-store.ts'
import type { Page } from './upload-store.ts'

export type PageRequest = { cursor?: string | undefined; limit: number }

const CONDITIONS = {
  open: IS_OPEN,
  claimed: sql`reviews.state = 'claimed' AND reviews.lease_until > now()`,
  resolved: sql`reviews.state = 'resolved'`,
}

/** See `ReviewStore.list`. A page begins after the last of the page before, whatever has come or gone since. */
export async function listReviews(
  { kysely }: Database,
  tenant: string,
  viewer: string,
  listing: ReviewListing,
  page: PageRequest,
): Promise<Page<ReviewView>> {
  const { rows } = await listingQuery(tenant, listing, page).execute(kysely)
  const shown = rows.slice(0, page.limit)
  const last = shown.at(-1)
  return {
    items: shown.map((row) => showRow(row, viewer)),
    nextCursor: rows.length > page.limit && last ? formatCursor(last, orderOf(listing)) : undefined,
  }
}

/** One row more than the page has, when there are more. */
export function listingQuery(tenant: string, listing: ReviewListing, { cursor, limit }: PageRequest): RawBuilder<ReviewRow> {
  const { column, direction } = orderOf(listing)
  const key = sql.ref(`reviews.${column}`)
  const after = direction === 'ASC' ? sql`>` : sql`<`
  const start = cursor === undefined ? sql`true` : sql`(${key}, reviews.id) ${after} ${parseCursor(cursor, orderOf(listing))}`
  return sql<ReviewRow>`
    ${sql.raw(SELECT_REVIEWS)}
    WHERE reviews.tenant = ${tenant} AND ${CONDITIONS[listing.state]} AND ${matches(listing)} AND ${start}
    ORDER BY ${key} ${sql.raw(direction)}, reviews.id ${sql.raw(direction)} LIMIT ${limit + 1}`
}

type Order = { column: 'urgency' | 'opened_at' | 'resolved_at'; direction: 'ASC' | 'DESC' }

function orderOf({ state, order }: ReviewListing): Order {
  const direction = order === 'oldest' ? 'ASC' : 'DESC'
  if (state === 'resolved') return { column: 'resolved_at', direction }
  return { column: order === 'priority' ? 'urgency' : 'opened_at', direction }
}

function formatCursor(row: ReviewRow, { column }: Order): string {
  return Buffer.from(JSON.stringify([column, row[column], row.review_id])).toString('base64url')
}

const positions = {
  urgency: z.tuple([z.literal('urgency'), z.number(), z.uuid()]),
  opened_at: z.tuple([z.literal('opened_at'), z.iso.datetime(), z.uuid()]),
  resolved_at: z.tuple([z.literal('resolved_at'), z.iso.datetime(), z.uuid()]),
}

/** SQL of the place. Throws AppError `invalid-request` for what `formatCursor` has not made in this order. */
function parseCursor(cursor: string, { column }: Order): RawBuilder<unknown> {
  const parsed = positions[column].safeParse(parseJson(Buffer.from(cursor, 'base64url').toString()))
  if (!parsed.success) throw new AppError('invalid-request', 'the cursor is not one of ours')
  const [, key, id] = parsed.data
  return column === 'urgency' ? sql`(${key}::float8, ${id}::uuid)` : sql`(${key}::timestamptz, ${id}::uuid)`
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
