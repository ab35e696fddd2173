import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { AppError } from '../../core/domain/errors.ts'
import { policyVersionsText } from '../../core/domain/explain.ts'
import { tenantOf } from '../authenticate.ts'
import { awaitImageTask } from '../await-image-task.ts'
import type { ApiContext } from '../context.ts'
import { whenGone } from '../when-gone.ts'
import { json, problems } from './describe-responses.ts'
import { explanationSchema } from './explanation-schema.ts'
import { idParams } from './id-params.ts'

const MOST_WAIT_SECONDS = 30

const pendingSchema = z.object({ status: z.literal('pending') })

/** GET /v1/uploads/:id/explanation. A worker makes it of the image, or of its embeddings once the image is gone. */
export function uploadExplanation({ imageTasks, endedImageTasks, policies }: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/v1/uploads/:id/explanation',
      {
        config: { scopes: ['review'] },
        schema: {
          operationId: 'getUploadExplanation',
          tags: ['uploads'],
          summary: 'Why the policies judge an upload as they do',
          description:
            'The phrases of each rule with what the model makes of them, and where in the picture the evidence lies. Made on request by the policies in force, in a second or a few, and kept until they change or the image goes.',
          params: idParams,
          querystring: z.strictObject({
            wait: z.coerce.number().min(0).max(MOST_WAIT_SECONDS).default(0).describe('Seconds to wait for it.'),
          }),
          response: {
            200: json('The explanation.', explanationSchema),
            202: json('It is being made: ask again, or with `wait`.', pendingSchema),
            ...problems({
              404: 'No such upload; or `explanation-unavailable`: neither its image nor its embeddings are there, or the image does not decode',
              409: '`not-decided`: the upload is pending',
              410: 'The upload was erased',
            }),
          },
        },
      },
      async (request, reply) => {
        const { id } = request.params
        const tenant = tenantOf(request)
        const image = await imageTasks.image(tenant, id)
        if (!image) throw new AppError('not-found', `there is no upload ${id}`)
        if (!image.decided) throw new AppError('not-decided', 'there is nothing to explain yet')
        const task = await awaitImageTask({
          imageTasks,
          endedImageTasks,
          tenant,
          uploadId: id,
          kind: 'explanation',
          policyVersions: policyVersionsText(policies.current()),
          waitMs: 1000 * request.query.wait,
          signal: whenGone(reply),
        })
        if (!task) throw new AppError('explanation-unavailable', 'neither the image nor its embeddings are kept any more')
        if (task.state === 'failed') throw new AppError('explanation-unavailable', task.detail)
        if (task.state === 'waiting') return reply.code(202).send({ status: 'pending' })
        return reply.header('cache-control', 'no-store').send(JSON.parse(task.result.toString()))
      },
    )
  }
}
