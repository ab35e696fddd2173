import multipart from '@fastify/multipart'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { v7 as uuid } from 'uuid'
import { z } from 'zod'
import type { UploadView } from '../../core/domain/decision.ts'
import { AppError } from '../../core/domain/errors.ts'
import { rateLimitedLog } from '../../core/infra/rate-limited-log.ts'
import { isAbandoned } from '../answer-problems.ts'
import { tenantOf } from '../authenticate.ts'
import { awaitDecision } from '../await-decision.ts'
import type { ApiContext } from '../context.ts'
import { type Accepted, acceptUpload, type Submission } from '../intake/accept-upload.ts'
import { readMultipart } from '../intake/read-multipart.ts'
import { parseUploadFields, uploadFields } from '../intake/upload-fields.ts'
import { limitUploads } from '../limit-uploads.ts'
import { toAppError } from '../problem.ts'
import { decisionSchema } from './decision-schema.ts'
import { problemResponses } from './problem-schema.ts'

const MOST_WAIT_SECONDS = 30
/** What a form adds to its file. */
const FORM_BYTES = 1_000_000
const JSON_BYTES = 16_384
/** Only these change what is done with a body; a raw image may be called anything that begins with image/. */
const RAW = /^image\/|^application\/octet-stream/

const query = z.strictObject({
  ...uploadFields.shape,
  metadata: z.string().optional().describe('A JSON object of at most 16 KiB, given back with the decision.'),
  wait: z.coerce
    .number()
    .min(0)
    .max(MOST_WAIT_SECONDS)
    .default(0)
    .describe('Seconds to wait for the decision: 200 with it when it comes in time, else 202.'),
})

const headers = z.looseObject({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, '1 to 255 printable ASCII characters without spaces')
    .optional()
    .describe('Kept for 24 hours: the same key with the same request gives the same upload again.'),
})

const accepted = z.object({ id: z.uuid(), status: z.literal('pending'), links: z.object({ self: z.string() }) })

/** Bodies that this service reads by itself, as OpenAPI shows them. */
export const uploadBodies = {
  'multipart/form-data': {
    schema: z.object({ file: z.string().meta({ format: 'binary' }), ...uploadFields.shape, metadata: z.string().optional() }),
  },
  'image/*': { schema: z.string().meta({ format: 'binary' }) },
  'application/octet-stream': { schema: z.string().meta({ format: 'binary' }) },
  'application/json': { schema: z.object({ url: z.url() }).describe('Not built yet: answers 501.') },
}

/** POST /v1/uploads: an image comes in as a form, as a raw body, or (some day) as a URL. */
export function submitUpload(context: ApiContext): FastifyPluginAsyncZod {
  const { config, metrics, queue, uploads, decisions } = context
  const limited = limitUploads(config.maxUploadsInFlight)
  const logTrouble = rateLimitedLog(context.log)

  return async (app) => {
    await app.register(multipart, { throwFileSizeLimit: false })
    app.addContentTypeParser(RAW, (_request, payload, done) => done(null, payload))
    app.addContentTypeParser(
      'application/json',
      { parseAs: 'string', bodyLimit: JSON_BYTES },
      app.getDefaultJsonParser('error', 'error'),
    )
    app.addHook('onError', async (request, _reply, error) => {
      metrics.uploads.inc({ outcome: isAbandoned(request.raw) ? 'abandoned' : toAppError(error).code })
    })
    app.post(
      '/v1/uploads',
      {
        bodyLimit: config.maxUploadBytes + FORM_BYTES,
        config: { scopes: ['intake'], requestBodies: uploadBodies },
        schema: {
          operationId: 'submitUpload',
          tags: ['uploads'],
          summary: 'Submit an image',
          description:
            'As a form with the part `file`, as a raw body, or as JSON with a `url`. The fields may be in the form or in the query. The type is judged by content, never by name or header.',
          querystring: query,
          headers,
          response: {
            200: decisionSchema.describe('Decided within `wait`, or by an earlier request with the same idempotency key.'),
            202: accepted.describe('Stored for good; the decision follows.'),
            ...problemResponses({
              409: 'The first request with this idempotency key is still running',
              413: 'Too many bytes, or too many pixels',
              415: 'Not an image of an accepted type',
              422: 'The idempotency key belongs to another request',
              501: 'Submitting by URL is not built yet',
              507: 'There is no room for more images',
            }),
          },
        },
      },
      async (request, reply) => {
        const id = uuid()
        request.log = request.log.child({ uploadId: id })
        const { wait, ...fields } = request.query
        const submission: Submission = {
          id,
          tenant: tenantOf(request),
          idempotencyKey: request.headers['idempotency-key'],
          read: reader(request, fields, config.maxUploadBytes),
          log: request.log,
        }
        const done = await limited(() => acceptUpload(context, submission))
        if (done.repeated) request.log = request.log.child({ uploadId: done.id })
        metrics.uploads.inc({ outcome: done.repeated ? 'repeated' : 'accepted' })
        if (!done.repeated) await enqueue(done.id, request)
        return answer(reply, done.id, await decisionOf(request, reply, done, wait))
      },
    )
  }

  /** The row is what counts: without a job it is found by the reconciler. */
  async function enqueue(id: string, request: FastifyRequest): Promise<void> {
    try {
      await queue.enqueue(id)
    } catch (error) {
      logTrouble(error, 'an upload has no job yet; the reconciler will make one', request.log)
    }
  }

  /** The upload is in: that its decision cannot be had now is no reason to say otherwise. */
  async function decisionOf(
    request: FastifyRequest,
    reply: FastifyReply,
    { id, repeated }: Accepted,
    waitSeconds: number,
  ): Promise<UploadView | undefined> {
    if (waitSeconds === 0 && !repeated) return undefined
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort())
    const waiting = { uploads, decisions, tenant: tenantOf(request), id, waitMs: waitSeconds * 1000, signal: gone.signal }
    try {
      return await awaitDecision(waiting)
    } catch (error) {
      logTrouble(error, 'an accepted upload cannot be shown', request.log)
      return undefined
    }
  }
}

function reader(request: FastifyRequest, query: Record<string, string | undefined>, maxUploadBytes: number): Submission['read'] {
  const given = Object.fromEntries(Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined))
  if (request.isMultipart())
    return async (receive) => {
      const { image, fields } = await readMultipart(request, receive, maxUploadBytes)
      return { image, fields: parseUploadFields({ ...given, ...fields }) }
    }
  const { body } = request
  if (body === undefined || body === null) throw new AppError('empty-body', 'send an image: as a form, or as the body itself')
  if (body !== request.raw) throw byUrl(body)
  const fields = parseUploadFields(given)
  return async (receive) => ({ image: await receive(request.raw), fields })
}

function byUrl(body: unknown): AppError {
  const url = (body as { url?: unknown }).url
  if (typeof url !== 'string') return new AppError('invalid-request', 'a JSON body says where the image is: {"url": "https://…"}')
  return new AppError('not-implemented', 'submitting by URL is not built yet: send the bytes of the image')
}

function answer(reply: FastifyReply, id: string, view: UploadView | undefined) {
  const self = `/v1/uploads/${id}`
  reply.header('location', self)
  return view?.status === 'decided'
    ? reply.code(200).send(view)
    : reply.code(202).send({ id, status: 'pending', links: { self } })
}
