import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { AppError } from '../../core/domain/errors.ts'
import { actorOf, tenantOf } from '../authenticate.ts'
import type { ApiContext } from '../context.ts'
import { problems } from './describe-responses.ts'
import { idParams } from './id-params.ts'

/** DELETE /v1/uploads/:id. An intake key will do: whoever brings images in must be able to honour a request to erase one. */
export function eraseUpload({ uploads, blobs }: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.delete(
      '/v1/uploads/:id',
      {
        config: { scopes: ['intake'] },
        schema: {
          operationId: 'eraseUpload',
          tags: ['uploads'],
          summary: 'Erase an upload',
          description:
            'Its bytes, embeddings, scores, reviews, reports, names and metadata, and its events that were not delivered yet. That it was there, its action and when it was erased stay. Doing it again changes nothing.',
          params: idParams,
          response: { 204: z.void().describe('It is erased.'), ...problems({ 404: 'No such upload' }) },
        },
      },
      async (request, reply) => {
        const { id } = request.params
        const erased = await uploads.erase(tenantOf(request), id, actorOf(request))
        if (!erased) throw new AppError('not-found', `there is no upload ${id}`)
        if (erased.blobKey !== undefined) await blobs.delete(erased.blobKey)
        request.log.info({ uploadId: id }, 'erased')
        return reply.code(204).send()
      },
    )
  }
}
