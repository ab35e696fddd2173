import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { AppError } from '../../core/domain/errors.ts'
import { tenantOf } from '../authenticate.ts'
import type { ApiContext } from '../context.ts'
import { json, problems } from './describe-responses.ts'
import { idParams } from './id-params.ts'
import { pastUpload } from './past-upload-schema.ts'

const MOST_ITEMS = 20
const NOBODY = {
  totals: { uploads: 0, approve: 0, flag: 0, reject: 0, upheld: 0, overturned: 0 },
  sampled: false,
  items: [],
}

const historySchema = z
  .object({
    uploader: z.string().optional().describe('As the platform named whoever brought it in; absent when it did not.'),
    totals: z.object({
      uploads: z.number().describe('With those that wait for their decision.'),
      approve: z.number(),
      flag: z.number(),
      reject: z.number(),
      upheld: z.number().describe('A person rejected what was flagged or rejected, or approved what was approved.'),
      overturned: z.number().describe('A person came to something else. What could not be judged counts for neither.'),
    }),
    sampled: z.boolean().describe('The totals are those of the newest 10,000 only.'),
    items: z
      .array(z.object({ ...pastUpload, received_at: z.iso.datetime() }))
      .describe('The newest that are decided, at most 20.'),
  })
  .meta({ id: 'UploaderHistory' })

/** GET /v1/uploads/:id/history: what else came from the same uploader. */
export function uploaderHistory({ uploads, insights }: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/v1/uploads/:id/history',
      {
        config: { scopes: ['review'] },
        schema: {
          operationId: 'getUploaderHistory',
          tags: ['uploads'],
          summary: 'Other uploads of the same uploader, and what became of them',
          params: idParams,
          response: {
            200: json('The history; without an `uploader` there is none.', historySchema),
            ...problems({ 404: 'No such upload', 410: 'The upload was erased' }),
          },
        },
      },
      async (request) => {
        const { id } = request.params
        const tenant = tenantOf(request)
        const upload = await uploads.find(tenant, id)
        if (!upload) throw new AppError('not-found', `there is no upload ${id}`)
        const { uploader } = upload
        if (uploader === undefined) return NOBODY
        return { uploader, ...(await insights.history(tenant, { id, uploader }, MOST_ITEMS)) }
      },
    )
  }
}
