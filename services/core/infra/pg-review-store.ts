import { sql } from 'kysely'
import { validate as isUuid } from 'uuid'
import { claimNextReviews, claimReview, releaseExpired, releaseReview } from './claim-reviews.ts'
import { appealUpload, reportUpload } from './contest-upload.ts'
import type { Database } from './database.ts'
import { listReviews } from './list-reviews.ts'
import { resolveReviews, undoResolution } from './resolve-reviews.ts'
import { IS_OPEN } from './review-filter.ts'
import { type ReviewRow, SELECT_WITH_VERDICTS, showWithDecision } from './review-rows.ts'
import type { ReviewStore, ReviewUpkeep } from './review-store.ts'

export type ReviewTimes = {
  /** For which a claim lasts, unless it is renewed. */
  leaseMs: number
  /** For which a resolution can be undone. */
  undoMs: number
}

export function createPgReviewStore(database: Database, { leaseMs, undoMs }: ReviewTimes): ReviewStore {
  async function findBy(column: 'id' | 'upload_id', { tenant, viewer, id }: { tenant: string; viewer: string; id: string }) {
    if (!isUuid(id)) return undefined
    const { rows } = await sql<ReviewRow>`
      ${sql.raw(SELECT_WITH_VERDICTS)} WHERE reviews.tenant = ${tenant} AND ${sql.ref(`reviews.${column}`)} = ${id}`.execute(
      database.kysely,
    )
    return rows[0] && showWithDecision(rows[0], viewer)
  }

  return {
    list: (tenant, viewer, listing, page) => listReviews(database, tenant, viewer, listing, page),

    find: (tenant, viewer, id) => findBy('id', { tenant, viewer, id }),
    findOf: (tenant, viewer, uploadId) => findBy('upload_id', { tenant, viewer, id: uploadId }),
    claimNext: (tenant, by, options) => claimNextReviews(database, { tenant, by, leaseMs }, options),
    claim: (tenant, by, id) => claimReview(database, { tenant, by, leaseMs }, id),
    release: (tenant, by, id, options) => releaseReview(database, { tenant, by }, id, options),
    resolve: (tenant, by, ids, ruling) => resolveReviews(database, { tenant, by, undoMs }, ids, ruling),
    undo: (tenant, by, id) => undoResolution(database, { tenant, by, leaseMs }, id),
    report: (tenant, by, uploadId, report) => reportUpload(database, { tenant, by, uploadId }, report),
    appeal: (tenant, by, uploadId, reason) => appealUpload(database, { tenant, by, uploadId }, reason),
  }
}

export function createPgReviewUpkeep(database: Database): ReviewUpkeep {
  const { kysely } = database
  return {
    releaseExpired: (options) => releaseExpired(database, options),

    async forgetSkips() {
      await kysely.deleteFrom('review_skips').where('until', '<=', sql<Date>`now()`).execute()
    },

    async openReviews() {
      const { rows } = await sql<{ open: number; oldestSeconds: number; expired: number }>`
        SELECT count(*)::int AS open, count(*) FILTER (WHERE reviews.state = 'claimed')::int AS expired,
          coalesce(greatest(extract(epoch FROM now() - min(opened_at)), 0), 0)::float8 AS "oldestSeconds"
        FROM reviews WHERE ${IS_OPEN}`.execute(kysely)
      return rows[0] ?? { open: 0, oldestSeconds: 0, expired: 0 }
    },
  }
}
