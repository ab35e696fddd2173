import multipart from '@fastify/multipart'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { v7 as uuid } from 'uuid'
import type { UploadView } from '../../core/domain/decision.ts'
import { AppError, hasCode } from '../../core/domain/errors.ts'
import { rateLimitedLog } from '../../core/infra/rate-limited-log.ts'
import { admitUploads } from '../admit-uploads.ts'
import { isAbandoned } from '../answer-problems.ts'
import { tenantOf } from '../authenticate.ts'
import { awaitDecision } from '../await-decision.ts'
import type { ApiContext } from '../context.ts'
import { type Accepted, acceptUpload, type Submission } from '../intake/accept-upload.ts'
import { awaitArrival } from '../intake/await-arrival.ts'
import { countBytes } from '../intake/count-bytes.ts'
import { fetchImage } from '../intake/fetch-image.ts'
import { readSubmission } from '../intake/read-submission.ts'
import type { Fetch } from '../intake/read-url.ts'
import { tooLarge } from '../intake/receive-image.ts'
import { limitRate } from '../limit-rate.ts'
import { limitUploads } from '../limit-uploads.ts'
import { toAppError } from '../problem.ts'
import { whenGone } from '../when-gone.ts'
import { submitUploadSchema, uploadBodies } from './submit-upload-schema.ts'

/** What a form adds to its file. */
const FORM_BYTES = 1_000_000
const JSON_BYTES = 65_536
/** Only these change what is done with a body; a raw image may be called anything that begins with image/. */
const RAW = /^image\/|^application\/octet-stream/

/** POST /v1/uploads: an image comes in as a form, as a raw body, or as a URL. */
export function submitUpload(context: ApiContext): FastifyPluginAsyncZod {
  const { config, metrics, queue, uploads, decisions } = context
  const { outbound: rules, maxUploadBytes, fetchTimeoutMs: timeoutMs } = config
  const admit = admitUploads(context)
  const limited = limitUploads({ uploads: config.maxUploadsInFlight, bytes: config.maxBytesInFlight })
  // Slow servers of others may hold half of the places.
  const fetching = limitUploads({ uploads: Math.ceil(config.maxUploadsInFlight / 2) })
  const fetchOptions = { dispatcher: context.outbound, rules, maxUploadBytes, timeoutMs }
  const fetchUntil =
    (signal: AbortSignal): Fetch =>
    (url, receive) =>
      fetching(0, () => fetchImage(url, receive, { ...fetchOptions, signal }))
  const logTrouble = rateLimitedLog(context.log)

  return async (app) => {
    app.removeAllContentTypeParsers()
    await app.register(multipart, { throwFileSizeLimit: false })
    app.addContentTypeParser(RAW, (_request, payload, done) => done(null, payload))
    app.addContentTypeParser('application/json', { parseAs: 'string' }, app.getDefaultJsonParser('error', 'error'))
    app.addContentTypeParser('*', ({ headers }, _payload, done) => done(unknownBody(headers['content-type'])))
    if (context.rateLimit) await limitRate(app, context.rateLimit)
    app.addHook('onError', async (request, _reply, error) => {
      metrics.uploads.inc({ outcome: isAbandoned(request.raw) ? 'abandoned' : toAppError(error).code })
    })
    app.post(
      '/v1/uploads',
      {
        // Of JSON; an image's bytes are counted as they come.
        bodyLimit: JSON_BYTES,
        config: { scopes: ['intake'], requestBodies: uploadBodies },
        schema: submitUploadSchema,
      },
      async (request, reply) => {
        const id = uuid()
        request.log = request.log.child({ uploadId: id })
        const announced = announcedBytes(request, maxUploadBytes)
        admit()
        const { wait, ...fields } = request.query
        const gone = whenGone(reply)
        const submission: Submission = {
          id,
          tenant: tenantOf(request),
          idempotencyKey: request.headers['idempotency-key'],
          ...readSubmission(request, fields, { maxUploadBytes, fetch: fetchUntil(gone) }),
          log: request.log,
        }
        await awaitArrival(request.raw)
        const done = await limited(announced, (arrive) =>
          acceptUpload(context, { ...submission, read: countBytes(submission.read, arrive) }),
        )
        if (done.repeated) request.log = request.log.child({ uploadId: done.id })
        metrics.uploads.inc({ outcome: done.repeated ? 'repeated' : 'accepted' })
        if (!done.repeated) await enqueue(done.id, request)
        return answer(reply, done.id, await decisionOf(request, done, wait, gone))
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
    { id, repeated }: Accepted,
    waitSeconds: number,
    signal: AbortSignal,
  ): Promise<UploadView | undefined> {
    if (waitSeconds === 0 && !repeated) return undefined
    const waiting = { uploads, decisions, tenant: tenantOf(request), id, waitMs: waitSeconds * 1000, signal }
    try {
      return await awaitDecision(waiting)
    } catch (error) {
      if (hasCode(error, 'erased')) throw error
      logTrouble(error, 'an accepted upload cannot be shown', request.log)
      return undefined
    }
  }
}

/** What `curl --data-binary` says when it is not told, for example. */
function unknownBody(contentType = 'none'): AppError {
  return new AppError(
    'unsupported-media-type',
    `the content-type is ${contentType}: send image/*, application/octet-stream, multipart/form-data or application/json`,
  )
}

/** 0 when there is no telling. Throws AppError `payload-too-large` before a byte is read of what is going to be too much. */
function announcedBytes({ headers }: FastifyRequest, maxUploadBytes: number): number {
  const announced = Number(headers['content-length'] ?? 0)
  if (announced > maxUploadBytes + FORM_BYTES) throw tooLarge(maxUploadBytes)
  return announced
}

function answer(reply: FastifyReply, id: string, view: UploadView | undefined) {
  const self = `/v1/uploads/${id}`
  reply.header('location', self)
  return view?.status === 'decided'
    ? reply.code(200).send(view)
    : reply.code(202).send({ id, status: 'pending', links: { self } })
}
