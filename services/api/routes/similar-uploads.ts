import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { AppError } from '../../core/domain/errors.ts'
import { tenantOf } from '../authenticate.ts'
import type { ApiContext } from '../context.ts'
import { json, problems } from './describe-responses.ts'
import { idParams } from './id-params.ts'
import { pastUpload } from './past-upload-schema.ts'

const MOST_ITEMS = 10

const similarSchema = z
  .object({
    items: z.array(
      z.object({
        ...pastUpload,
        similarity: z.number().describe('Cosine of the two embeddings.'),
        decided_at: z.iso.datetime(),
      }),
    ),
  })
  .meta({ id: 'SimilarUploads' })

/** GET /v1/uploads/:id/similar. */
export function similarUploads({ uploads, insights }: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/v1/uploads/:id/similar',
      {
        config: { scopes: ['review'] },
        schema: {
          operationId: 'listSimilarUploads',
          tags: ['uploads'],
          summary: 'Earlier uploads of nearly the same picture, and what became of them',
          description:
            'The most similar first, at most ten, among the newest 100,000 embeddings of the same model that are still kept: those of approved uploads for `PIXWARDEN_RETENTION_DAYS`, of others as long as their image. Without an embedding of its own an upload has none.',
          params: idParams,
          response: {
            200: json('The uploads.', similarSchema),
            ...problems({ 404: 'No such upload', 410: 'The upload was erased' }),
          },
        },
      },
      async (request) => {
        const { id } = request.params
        const tenant = tenantOf(request)
        if (!(await uploads.find(tenant, id))) throw new AppError('not-found', `there is no upload ${id}`)
        return { items: await insights.similar(tenant, id, MOST_ITEMS) }
      },
    )
  }
}
