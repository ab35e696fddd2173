import { type Selectable, sql } from 'kysely'
import { AppError } from '../domain/errors.ts'
import { filterOfName, type OpenGroup, queuesOf, type SavedQueue } from '../domain/review-queue.ts'
import { appendAudit } from './audit-log.ts'
import type { Database } from './database.ts'
import { IS_OPEN } from './review-filter.ts'
import { MOST_QUEUES, type ReviewQueueStore } from './review-queue-store.ts'
import type { Tables } from './tables.ts'

type Group = Omit<OpenGroup, 'source'> & { source: string | null }

export function createPgReviewQueueStore({ kysely }: Database): ReviewQueueStore {
  const saved = (tenant: string) => kysely.selectFrom('review_queues').selectAll().where('tenant', '=', tenant)

  return {
    async list(tenant) {
      const { rows } = await sql<Group>`
        SELECT policies, source, origin, count(*)::int AS open, min(opened_at) AS oldest
        FROM reviews WHERE tenant = ${tenant} AND ${IS_OPEN} GROUP BY policies, source, origin`.execute(kysely)
      const groups = rows.map((row) => ({ ...row, source: row.source ?? undefined }))
      return queuesOf(groups, (await saved(tenant).orderBy('name').execute()).map(toQueue))
    },

    async filterOf(tenant, name) {
      const filter = filterOfName(name)
      if (filter) return filter
      const row = await saved(tenant).where('name', '=', name).executeTakeFirst()
      return row && toQueue(row).filter
    },

    async save(tenant, { name, filter }, by) {
      const { policy = null, source = null, origin = null } = filter
      await kysely.transaction().execute(async (transaction) => {
        const others = transaction.selectFrom('review_queues').where('tenant', '=', tenant).where('name', '<>', name)
        const { count } = await others.select(({ fn }) => fn.countAll().as('count')).executeTakeFirstOrThrow()
        if (Number(count) >= MOST_QUEUES) throw new AppError('too-many-queues', `there may be ${MOST_QUEUES} queues at most`)
        await transaction
          .insertInto('review_queues')
          .values({ tenant, name, policy, source, origin })
          .onConflict((conflict) => conflict.columns(['tenant', 'name']).doUpdateSet({ policy, source, origin }))
          .execute()
        await appendAudit(transaction, { tenant, actor: by, action: 'queue.save', subject: name, details: { ...filter } })
      })
    },

    remove: (tenant, name, by) =>
      kysely.transaction().execute(async (transaction) => {
        const deleting = transaction.deleteFrom('review_queues').where('tenant', '=', tenant).where('name', '=', name)
        const { numDeletedRows } = await deleting.executeTakeFirst()
        if (numDeletedRows === 0n) return false
        await appendAudit(transaction, { tenant, actor: by, action: 'queue.delete', subject: name })
        return true
      }),
  }
}

function toQueue({ name, policy, source, origin }: Selectable<Tables['review_queues']>): SavedQueue {
  return {
    name,
    filter: { ...(policy !== null && { policy }), ...(source !== null && { source }), ...(origin !== null && { origin }) },
  }
}
