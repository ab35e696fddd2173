import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { AppError } from '../../core/domain/errors.ts'
import { actorOf, tenantOf } from '../authenticate.ts'
import type { ApiContext } from '../context.ts'
import { prose } from '../given-text.ts'
import { json, problems } from './describe-responses.ts'
import { idParams } from './id-params.ts'

/** POST /v1/uploads/:id/appeal: whoever uploaded it is not content with what became of it. */
export function appealUpload({ reviews }: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.post(
      '/v1/uploads/:id/appeal',
      {
        config: { scopes: ['intake', 'review'] },
        schema: {
          operationId: 'appealUpload',
          tags: ['uploads'],
          summary: 'Appeal against what was decided',
          description: 'A person looks at it, again if need be. Once the image is deleted, only its scores are left.',
          params: idParams,
          body: z.strictObject({ reason: prose({ most: 2000 }).optional() }).nullish(),
          response: {
            201: json('Its review is open.', z.object({ review_id: z.uuid() })),
            ...problems({ 404: 'No such upload', 409: '`not-decided`: it waits for its decision', 410: 'The upload was erased' }),
          },
        },
      },
      async (request, reply) => {
        const { id } = request.params
        const opened = await reviews.appeal(tenantOf(request), actorOf(request), id, request.body?.reason)
        if (!opened) throw new AppError('not-found', `there is no upload ${id}`)
        return reply.code(201).header('location', `/v1/reviews/${opened.reviewId}`).send({ review_id: opened.reviewId })
      },
    )
  }
}
