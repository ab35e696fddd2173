import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { AppError } from '../../core/domain/errors.ts'
import { actorOf, tenantOf } from '../authenticate.ts'
import type { ApiContext } from '../context.ts'
import { json, problems } from './describe-responses.ts'
import { idParams } from './id-params.ts'
import { reviewSchema } from './review-schema.ts'

/** GET /v1/uploads/:id/review: what people made of it, or are to. */
export function uploadReview({ reviews }: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/v1/uploads/:id/review',
      {
        config: { scopes: ['review'] },
        schema: {
          operationId: 'getUploadReview',
          tags: ['reviews'],
          summary: 'The review of an upload, with the decision that it is about',
          params: idParams,
          response: {
            200: json('The review.', reviewSchema),
            ...problems({ 404: 'No such upload, or nobody was to look at it' }),
          },
        },
      },
      async (request) => {
        const { id } = request.params
        const review = await reviews.findOf(tenantOf(request), actorOf(request).id, id)
        if (!review) throw new AppError('not-found', `there is no review of an upload ${id}`)
        return review
      },
    )
  }
}
