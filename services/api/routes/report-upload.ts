import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { AppError } from '../../core/domain/errors.ts'
import { actorOf, tenantOf } from '../authenticate.ts'
import type { ApiContext } from '../context.ts'
import { label, prose } from '../given-text.ts'
import { json, problems } from './describe-responses.ts'
import { idParams } from './id-params.ts'

const reported = z.object({
  upload_id: z.uuid(),
  reports: z.number().describe('So many so far, each reporter once.'),
  review_id: z.uuid(),
})

/** POST /v1/uploads/:id/report: somebody on the platform thinks that it should not be there. */
export function reportUpload({ reviews }: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.post(
      '/v1/uploads/:id/report',
      {
        config: { scopes: ['intake', 'review'] },
        schema: {
          operationId: 'reportUpload',
          tags: ['uploads'],
          summary: 'Report an upload',
          description:
            'A person looks at it, the sooner the more reports there are, whatever was decided; unless a person has rejected it already. Of an approved image only scores are left.',
          params: idParams,
          body: z
            .strictObject({
              reason: prose({ most: 2000 }).optional(),
              reporter: label().optional().describe('Your id of who reports it, who counts once.'),
            })
            .nullish(),
          response: {
            202: json('Counted.', reported),
            ...problems({ 404: 'No such upload', 409: '`not-decided`: it waits for its decision', 410: 'The upload was erased' }),
          },
        },
      },
      async (request, reply) => {
        const { id } = request.params
        const counted = await reviews.report(tenantOf(request), actorOf(request), id, request.body ?? {})
        if (!counted) throw new AppError('not-found', `there is no upload ${id}`)
        const { reports, reviewId } = counted
        return reply.code(202).send({ upload_id: id, reports, review_id: reviewId })
      },
    )
  }
}
