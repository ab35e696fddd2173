import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf, tenantOf } from '../authenticate.ts'
import type { ApiContext } from '../context.ts'
import { label } from '../given-text.ts'
import { json, problems } from './describe-responses.ts'
import { foundReview } from './found-review.ts'
import { idParams } from './id-params.ts'
import { filterOf } from './review-filter.ts'
import { reviewFilter, reviewSchema } from './review-schema.ts'

const config = { scopes: ['review'] as const }
const tags = ['reviews']
const taken = { 404: 'No such review', 409: '`review-claimed` by somebody else, with that `claim`; or `review-resolved`' }

/** What is worth how many round trips: a handful to work ahead with, and not all that others could have. */
const MOST_AT_ONCE = 20

const next = z
  .strictObject({
    count: z.number().int().min(1).max(MOST_AT_ONCE).default(1),
    queue: label().optional().describe('The name of a queue: its filter, where nothing else is asked for here.'),
    ...reviewFilter,
  })
  .nullish()

/** A review in the hands of one moderator, and out of them. */
export function claimReviews({ reviews, reviewQueues }: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.post(
      '/v1/reviews/next',
      {
        config,
        schema: {
          operationId: 'claimNextReviews',
          tags,
          summary: 'Be handed the most urgent open reviews',
          description:
            'They are claimed for you, and handed to nobody else. Those that you have skipped within an hour are left out.',
          body: next,
          response: {
            200: json('As many as there are, up to `count`.', z.object({ items: z.array(reviewSchema) })),
            ...problems({ 404: 'No such queue' }),
          },
        },
      },
      async (request) => {
        const { count = 1, ...asked } = request.body ?? {}
        const tenant = tenantOf(request)
        const filter = await filterOf(reviewQueues, tenant, asked)
        return { items: await reviews.claimNext(tenant, actorOf(request), { filter, count }) }
      },
    )

    app.post(
      '/v1/reviews/:id/claim',
      {
        config,
        schema: {
          operationId: 'claimReview',
          tags,
          summary: 'Claim a review, or renew your claim',
          params: idParams,
          response: { 200: json('It is yours, until the claim expires.', reviewSchema), ...problems(taken) },
        },
      },
      async (request) => {
        const { id } = request.params
        return foundReview(await reviews.claim(tenantOf(request), actorOf(request), id), id)
      },
    )

    app.post(
      '/v1/reviews/:id/release',
      {
        config,
        schema: {
          operationId: 'releaseReview',
          tags,
          summary: 'Leave a review to others',
          params: idParams,
          body: z
            .strictObject({ skip: z.boolean().default(false).describe('You are not handed it again for an hour.') })
            .nullish(),
          response: { 200: json('It is open.', reviewSchema), ...problems(taken) },
        },
      },
      async (request) => {
        const { id } = request.params
        const skip = request.body?.skip ?? false
        return foundReview(await reviews.release(tenantOf(request), actorOf(request), id, { skip }), id)
      },
    )
  }
}
