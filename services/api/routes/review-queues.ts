import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { AppError } from '../../core/domain/errors.ts'
import { ALL, QUEUE_NAME } from '../../core/domain/review-queue.ts'
import { MOST_QUEUES } from '../../core/infra/review-queue-store.ts'
import { actorOf, tenantOf } from '../authenticate.ts'
import type { ApiContext } from '../context.ts'
import { json, problems } from './describe-responses.ts'
import { reviewFilter } from './review-schema.ts'

const tags = ['reviews']
const filter = z.strictObject(reviewFilter)
const params = z.object({
  name: z
    .string()
    .regex(QUEUE_NAME, 'letters, digits, spaces and . _ - are needed, 64 at most')
    .refine((name) => name !== ALL, 'this is the name of the queue of everything'),
})

const queue = z
  .object({
    name: z.string(),
    filter,
    saved: z.boolean().describe('By somebody; the others are there as long as they have open reviews.'),
    open: z.number(),
    oldest_opened_at: z.iso.datetime().optional(),
  })
  .meta({ id: 'ReviewQueue' })

/** /v1/reviews/queues: names for parts of the open reviews. */
export function reviewQueues({ reviewQueues: queues }: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/v1/reviews/queues',
      {
        config: { scopes: ['review'] },
        schema: {
          operationId: 'listReviewQueues',
          tags,
          summary: 'The queues, and how long they are',
          description: '`all`, those that are saved, and `policy:…` and `source:…` for each that has open reviews.',
          response: { 200: json('All of them.', z.object({ items: z.array(queue) })), ...problems({}) },
        },
      },
      async (request) => ({ items: await queues.list(tenantOf(request)) }),
    )

    app.put(
      '/v1/reviews/queues/:name',
      {
        config: { scopes: ['admin'] },
        schema: {
          operationId: 'saveReviewQueue',
          tags,
          summary: 'Give a filter a name',
          params,
          body: z.strictObject({ filter }),
          response: {
            200: json('Saved.', z.object({ name: z.string(), filter })),
            ...problems({ 409: `\`too-many-queues\`: a tenant has ${MOST_QUEUES} at most` }),
          },
        },
      },
      async (request) => {
        const saved = { name: request.params.name, filter: request.body.filter }
        await queues.save(tenantOf(request), saved, actorOf(request))
        return saved
      },
    )

    app.delete(
      '/v1/reviews/queues/:name',
      {
        config: { scopes: ['admin'] },
        schema: {
          operationId: 'deleteReviewQueue',
          tags,
          summary: 'Forget a name; the reviews stay',
          params,
          response: { 204: z.void().describe('It is gone.'), ...problems({ 404: 'No such queue' }) },
        },
      },
      async (request, reply) => {
        const { name } = request.params
        if (!(await queues.remove(tenantOf(request), name, actorOf(request))))
          throw new AppError('not-found', `there is no queue ${name}`)
        return reply.code(204).send()
      },
    )
  }
}
