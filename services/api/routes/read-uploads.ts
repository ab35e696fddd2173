import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { AppError } from '../../core/domain/errors.ts'
import { ACTIONS } from '../../core/domain/policy.ts'
import { tenantOf } from '../authenticate.ts'
import type { ApiContext } from '../context.ts'
import { decisionSchema, uploadSchema } from './decision-schema.ts'
import { json, problems } from './describe-responses.ts'
import { idParams } from './id-params.ts'

const filter = z.strictObject({
  action: z.enum(ACTIONS).optional(),
  policy: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/, 'the id of a policy is needed')
    .optional()
    .describe('Only uploads that this policy did not approve.'),
  since: z.iso.datetime({ offset: true }).optional().describe('Only decisions of this moment or later.'),
  cursor: z.string().min(1).max(500).optional().describe('The `next_cursor` of the page before.'),
  limit: z.coerce.number().int().min(1).max(200).default(50),
})

const pageSchema = z.object({ items: z.array(decisionSchema), next_cursor: z.string().optional() })

/** GET /v1/uploads/:id and GET /v1/decisions. */
export function readUploads({ uploads }: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/v1/uploads/:id',
      {
        config: { scopes: ['intake', 'review'] },
        schema: {
          operationId: 'getUpload',
          tags: ['uploads'],
          summary: 'An upload, with its decision once there is one',
          params: idParams,
          response: {
            200: json('The upload.', uploadSchema),
            ...problems({ 404: 'No such upload', 410: 'The upload was erased' }),
          },
        },
      },
      async (request) => {
        const { id } = request.params
        const upload = await uploads.find(tenantOf(request), id)
        if (!upload) throw new AppError('not-found', `there is no upload ${id}`)
        return upload
      },
    )

    app.get(
      '/v1/decisions',
      {
        config: { scopes: ['review'] },
        schema: {
          operationId: 'listDecisions',
          tags: ['uploads'],
          summary: 'Decisions, newest first, page by page',
          querystring: filter,
          response: {
            200: json('A page; without `next_cursor` it is the last.', pageSchema),
            ...problems({}),
          },
        },
      },
      async (request) => {
        const { action, policy, since, cursor, limit } = request.query
        const found = await uploads.listDecisions(
          tenantOf(request),
          { action, policy, since: since === undefined ? undefined : new Date(since) },
          { cursor, limit },
        )
        return { items: found.items, next_cursor: found.nextCursor }
      },
    )
  }
}
