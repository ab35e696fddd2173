import { v7 as uuidv7 } from 'uuid'
import type { AuditActor } from '../../services/core/domain/audit.ts'
import type { Conclusion } from '../../services/core/domain/decision.ts'
import type { ReviewView } from '../../services/core/domain/review-view.ts'
import { createPgReviewQueueStore } from '../../services/core/infra/pg-review-queue-store.ts'
import { createPgReviewStore, createPgReviewUpkeep } from '../../services/core/infra/pg-review-store.ts'
import type { NewUpload } from '../../services/core/infra/upload-store.ts'
import { newConclusion } from './test-store.ts'
import { openWebhookBench } from './webhooks.ts'

export type ReviewBench = Awaited<ReturnType<typeof openReviewBench>>

export const ANN: AuditActor = { kind: 'person', id: 'ann', name: 'Ann' }
export const BEN: AuditActor = { kind: 'person', id: 'ben', name: 'Ben' }
export const FINE = { action: 'approve' as const, reasonCode: 'fine' }
export const BAD = { action: 'reject' as const, reasonCode: 'animals' }

/** Moderators `count` times over. */
export const crowd = (count: number): AuditActor[] =>
  Array.from({ length: count }, (_, i) => ({ kind: 'person', id: `p-${i}`, name: `Person ${i}` }))

/** A database with reviews in it, and with webhooks. */
export async function openReviewBench({ leaseMs = 60_000, undoMs = 60_000 } = {}) {
  const bench = await openWebhookBench()
  const { database } = bench
  const reviews = createPgReviewStore(database, { leaseMs, undoMs })

  return {
    ...bench,
    reviews,
    queues: createPgReviewQueueStore(database),
    upkeep: createPgReviewUpkeep(database),
    /** The same reviews for whom times are others. */
    withTimes: (times: { leaseMs?: number; undoMs?: number }) => createPgReviewStore(database, { leaseMs, undoMs, ...times }),

    /** Flags an upload, unless it is concluded otherwise, and tells its review. */
    async flagged(
      values: Partial<NewUpload> = {},
      conclusion: Partial<Conclusion> = {},
    ): Promise<ReviewView & { uploadId: string }> {
      const concluded = newConclusion({ action: 'flag', reasonCodes: ['animals'], ...conclusion })
      const uploadId = await bench.decide(values, concluded)
      const review = await this.reviewOf(uploadId)
      if (!review) throw new Error('no review was opened')
      return { ...review, uploadId }
    },

    /** Flags so many uploads of the last days, with differing policies, sources and urgency, faster than workers could. */
    flood: (count: number, tenant = 'default') =>
      bench.query(
        `WITH upload AS (
          INSERT INTO pixwarden.uploads (id, tenant, source, external_id, metadata, sha256, mime, width, height, byte_size, blob_key,
            status, action, reason_codes, decided_at)
          SELECT gen_random_uuid(), $2, 'source-' || i % 7, 'post-' || i, '{"title": "something for sale"}', repeat('ab', 32),
            'image/jpeg', 640, 480, 100000, i::text, 'decided', 'flag', ARRAY['policy-' || i % 5],
            date_trunc('milliseconds', now() - i * interval '37 seconds')
          FROM generate_series(1, $1::int) AS i RETURNING *
        )
        INSERT INTO pixwarden.reviews (id, upload_id, tenant, source, policies, priority, urgency, opened_at)
        SELECT gen_random_uuid(), id, tenant, source, reason_codes, priority,
          priority - extract(epoch FROM decided_at)::float8 / 3600, decided_at
        FROM upload, LATERAL (SELECT (hashtext(id::text) & 1023) / 40.0::float8 AS priority) AS given RETURNING id`,
        count,
        tenant,
      ),

    async reviewOf(uploadId: string): Promise<ReviewView | undefined> {
      const [row] = await bench.query('SELECT id, tenant FROM pixwarden.reviews WHERE upload_id = $1', uploadId)
      return row && reviews.find(row.tenant, 'nobody', row.id)
    },

    /** The types of the events about an upload, oldest first. */
    async eventsOf(uploadId: string): Promise<string[]> {
      const rows = await bench.query('SELECT type FROM pixwarden.events WHERE upload_id = $1 ORDER BY id', uploadId)
      return rows.map(({ type }) => type)
    },

    async auditOf(subject: string): Promise<{ action: string; actor_id: string; details: Record<string, unknown> }[]> {
      return bench.query('SELECT action, actor_id, details FROM pixwarden.audit_log WHERE subject = $1 ORDER BY seq', subject)
    },

    /** Forgets all uploads, and what is about them. */
    forget: () => bench.query('DELETE FROM pixwarden.uploads'),
  }
}

/** A review that is nobody's. */
export const unknownId = () => uuidv7()
