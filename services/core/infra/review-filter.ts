import { type RawBuilder, sql } from 'kysely'
import type { ReviewFilter } from '../domain/review-queue.ts'

/** Of those that wait for somebody: open, or with a claim whose lease has ended. */
export const IS_OPEN = sql`reviews.state <> 'resolved' AND (reviews.state = 'open' OR reviews.lease_until <= now())`

/** A condition on `reviews`. */
export function matches({ policy, source, origin }: ReviewFilter): RawBuilder<unknown> {
  return sql.join(
    [
      sql`true`,
      ...(policy === undefined ? [] : [sql`reviews.policies @> ARRAY[${policy}::text]`]),
      ...(source === undefined ? [] : [sql`reviews.source = ${source}`]),
      ...(origin === undefined ? [] : [sql`reviews.origin = ${origin}`]),
    ],
    sql` AND `,
  )
}
