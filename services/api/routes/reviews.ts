import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { REVIEW_STATES } from '../../core/domain/review.ts'
import { REVIEW_ORDERS } from '../../core/infra/review-store.ts'
import { actorOf, tenantOf } from '../authenticate.ts'
import type { ApiContext } from '../context.ts'
import { label } from '../given-text.ts'
import { json, problems } from './describe-responses.ts'
import { foundReview } from './found-review.ts'
import { idParams } from './id-params.ts'
import { filterOf } from './review-filter.ts'
import { reviewFilter, reviewPageSchema, reviewSchema } from './review-schema.ts'

const listing = z.strictObject({
  state: z.enum(REVIEW_STATES).default('open'),
  ...reviewFilter,
  queue: label().optional().describe('The name of a queue: its filter, where nothing else is asked for here.'),
  order: z
    .enum(REVIEW_ORDERS)
    .default('priority')
    .describe('`priority`: by priority and age. Resolved ones are ordered by when that was.'),
  cursor: z.string().min(1).max(500).optional().describe('The `next_cursor` of the page before.'),
  limit: z.coerce.number().int().min(1).max(100).default(50),
})

/** GET /v1/reviews and GET /v1/reviews/:id. */
export function readReviews({ reviews, reviewQueues }: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/v1/reviews',
      {
        config: { scopes: ['review'] },
        schema: {
          operationId: 'listReviews',
          tags: ['reviews'],
          summary: 'Reviews, page by page',
          querystring: listing,
          response: {
            200: json('A page; without `next_cursor` it is the last.', reviewPageSchema),
            ...problems({ 404: 'No such queue' }),
          },
        },
      },
      async (request) => {
        const { state, order, cursor, limit, ...asked } = request.query
        const tenant = tenantOf(request)
        const filter = await filterOf(reviewQueues, tenant, asked)
        const page = await reviews.list(tenant, actorOf(request).id, { ...filter, state, order }, { cursor, limit })
        return { items: page.items, next_cursor: page.nextCursor }
      },
    )

    app.get(
      '/v1/reviews/:id',
      {
        config: { scopes: ['review'] },
        schema: {
          operationId: 'getReview',
          tags: ['reviews'],
          summary: 'A review, with the decision that it is about',
          params: idParams,
          response: { 200: json('The review.', reviewSchema), ...problems({ 404: 'No such review' }) },
        },
      },
      async (request) => {
        const { id } = request.params
        return foundReview(await reviews.find(tenantOf(request), actorOf(request).id, id), id)
      },
    )
  }
}
