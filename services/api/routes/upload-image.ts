import type { FastifyReply } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { AppError, hasCode } from '../../core/domain/errors.ts'
import { type ImageTask, RENDITIONS, type StoredImage } from '../../core/infra/image-task-store.ts'
import { tenantOf } from '../authenticate.ts'
import { awaitImageTask } from '../await-image-task.ts'
import type { ApiContext } from '../context.ts'
import { whenGone } from '../when-gone.ts'
import { problems } from './describe-responses.ts'
import { idParams } from './id-params.ts'

const variants = ['original', ...RENDITIONS] as const

/** How long a worker has to make a rendition. */
const WAIT_SECONDS = 10

const binary = { schema: z.string().meta({ format: 'binary' }) }

/** GET /v1/uploads/:id/image. The api only passes bytes on: what is made of them a worker makes. */
export function uploadImage({ imageTasks, endedImageTasks, blobs }: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/v1/uploads/:id/image',
      {
        config: { scopes: ['review'] },
        schema: {
          operationId: 'getUploadImage',
          tags: ['uploads'],
          summary: 'The image of an upload, as it came or made fit to look at',
          description:
            '`display`: its first frame, upright, in sRGB, without metadata, at most 1600 pixels long. `blurred`: a small picture in which nothing can be made out. Both are made on request, which takes a moment the first time, and go with the image. `original`: the bytes as they were uploaded, with whatever metadata they carry.',
          params: idParams,
          querystring: z.strictObject({
            variant: z.enum(variants).default('display'),
            wait: z.coerce.number().min(0).max(WAIT_SECONDS).default(WAIT_SECONDS).describe('Seconds to wait for it to be made.'),
          }),
          response: {
            200: { description: 'The image; never to be stored.', content: { 'image/*': binary } },
            ...problems({
              404: 'No such upload; or `image-gone`: its image is not kept any more',
              410: 'The upload was erased',
              422: '`image-undecodable`: it cannot be shown, other than as `original`',
              503: '`image-not-ready`: no worker has made it yet; or the database is out of reach. Retry-After says when to try again',
            }),
          },
        },
      },
      async (request, reply) => {
        const { id } = request.params
        const { variant, wait } = request.query
        const tenant = tenantOf(request)
        const image = await imageTasks.image(tenant, id)
        if (!image) throw new AppError('not-found', `there is no upload ${id}`)
        if (variant === 'original') return sendOriginal(reply, id, image)
        const waiting = { imageTasks, endedImageTasks, waitMs: 1000 * wait, signal: whenGone(reply) }
        const { mime, result } = readyOf(await awaitImageTask({ ...waiting, tenant, uploadId: id, kind: variant }))
        return asImage(reply, id, mime).send(result)
      },
    )
  }

  async function sendOriginal(reply: FastifyReply, id: string, { blobKey, mime, byteSize }: StoredImage) {
    if (blobKey === undefined) throw gone()
    const bytes = await blobs.read(blobKey).catch((error: unknown) => {
      throw hasCode(error, 'not-found') ? gone() : error
    })
    return asImage(reply, id, mime).header('content-length', byteSize).send(bytes)
  }
}

function readyOf(task: ImageTask | undefined): Extract<ImageTask, { state: 'done' }> {
  if (!task) throw gone()
  if (task.state === 'waiting') throw new AppError('image-not-ready', 'no worker has made it yet')
  if (task.state === 'failed') throw new AppError('image-undecodable', task.detail)
  return task
}

function gone(): AppError {
  return new AppError('image-gone', 'the bytes of this image were deleted')
}

const EXTENSIONS: Record<string, string> = {
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'image/webp': 'webp',
  'image/gif': 'gif',
  'image/avif': 'avif',
}

/** A stranger made these bytes: they are to be looked at as an image of their type and nothing else, and kept by nobody. */
function asImage(reply: FastifyReply, id: string, mime: string): FastifyReply {
  const extension = EXTENSIONS[mime] ?? 'bin'
  return reply.type(extension === 'bin' ? 'application/octet-stream' : mime).headers({
    'cache-control': 'no-store',
    'content-disposition': `inline; filename="${id}.${extension}"`,
    'content-security-policy': "default-src 'none'; sandbox",
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
  })
}
