import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Ruling } from '../../core/domain/review.ts'
import type { Resolved } from '../../core/infra/review-store.ts'
import { actorOf, tenantOf } from '../authenticate.ts'
import type { ApiContext } from '../context.ts'
import { json, problems } from './describe-responses.ts'
import { foundReview } from './found-review.ts'
import { givenId, idParams } from './id-params.ts'
import { reviewSchema, ruling } from './review-schema.ts'

const config = { scopes: ['review'] as const }
const tags = ['reviews']
const missing = { 404: 'No such review' }
const MOST_AT_ONCE = 100

const outcome = z.discriminatedUnion('ok', [
  z.object({ id: z.uuid(), ok: z.literal(true), review: reviewSchema }),
  z.object({
    id: z.uuid(),
    ok: z.literal(false),
    code: z.string().describe('`not-found`, `review-claimed` or `review-resolved`.'),
  }),
])

/** What moderators decide. */
export function resolveReviews({ reviews, metrics }: ApiContext): FastifyPluginAsyncZod {
  const count = (outcomes: Resolved[]) => {
    for (const each of outcomes)
      if ('review' in each && each.review.resolution)
        metrics.reviewsResolved.inc({ action: each.review.resolution.action, origin: each.review.origin })
  }

  return async (app) => {
    app.post(
      '/v1/reviews/:id/resolve',
      {
        config,
        schema: {
          operationId: 'resolveReview',
          tags,
          summary: 'Resolve a review',
          description:
            'One that you have claimed, or that is open. For a short while you can undo it; webhooks hear `review.resolved` only after that.',
          params: idParams,
          body: z.strictObject(ruling),
          response: {
            200: json('It is resolved.', reviewSchema),
            ...problems({ ...missing, 409: '`review-claimed` by somebody else, with that `claim`; or `review-resolved`' }),
          },
        },
      },
      async (request) => {
        const { id } = request.params
        const outcomes = await reviews.resolve(tenantOf(request), actorOf(request), [id], toRuling(request.body))
        count(outcomes)
        const done = foundReview(outcomes[0], id)
        if ('error' in done) throw done.error
        return done.review
      },
    )

    app.post(
      '/v1/reviews/resolve',
      {
        config,
        schema: {
          operationId: 'resolveReviews',
          tags,
          summary: 'Resolve many reviews alike',
          description: 'What becomes of each is told by itself: one that cannot be resolved keeps the others from nothing.',
          body: z.strictObject({ ids: z.array(givenId).min(1).max(MOST_AT_ONCE), ...ruling }),
          response: { 200: json('In the order of `ids`.', z.object({ items: z.array(outcome) })), ...problems({}) },
        },
      },
      async (request) => {
        const ids = [...new Set(request.body.ids)]
        const outcomes = await reviews.resolve(tenantOf(request), actorOf(request), ids, toRuling(request.body))
        count(outcomes)
        return { items: outcomes.map(showOutcome) }
      },
    )

    app.post(
      '/v1/reviews/:id/undo',
      {
        config,
        schema: {
          operationId: 'undoResolution',
          tags,
          summary: 'Undo your resolution',
          description: 'Within 30 seconds, unless the service is set otherwise: see `undo_until`. Webhooks hear nothing of it.',
          params: idParams,
          response: {
            200: json('It is in your hands again.', reviewSchema),
            ...problems({ ...missing, 409: '`undo-expired`: it is too late, or it is not you who resolved it' }),
          },
        },
      },
      async (request) => {
        const { id } = request.params
        return foundReview(await reviews.undo(tenantOf(request), actorOf(request), id), id)
      },
    )
  }
}

function toRuling({
  action,
  reason_code,
  note,
}: {
  action: Ruling['action']
  reason_code: string
  note?: string | undefined
}): Ruling {
  return { action, reasonCode: reason_code, note }
}

function showOutcome(resolved: Resolved): z.infer<typeof outcome> {
  const { id } = resolved
  return 'review' in resolved ? { id, ok: true, review: resolved.review } : { id, ok: false, code: resolved.error.code }
}
