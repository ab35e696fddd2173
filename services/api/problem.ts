import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { AppError, type ErrorCode, hasCode } from '../core/domain/errors.ts'

/** A problem details object (RFC 9457). `code` is stable; `errors` names what is wrong with a request, field by field. */
export type Problem = {
  type: string
  title: string
  status: number
  code: ErrorCode
  detail?: string
  /** The id of the request, as in the log. */
  instance: string
  errors?: { path: string; message: string }[]
  [extension: string]: unknown
}

type Kind = { status: number; title: string; retryAfterSeconds?: number }

/** Codes that no caller can act upon are told apart in the log only. */
const INTERNAL: Kind = { status: 500, title: 'Something went wrong on our side' }

const KINDS: Record<ErrorCode, Kind> = {
  'empty-body': { status: 400, title: 'The upload is empty' },
  'invalid-request': { status: 400, title: 'The request is not valid' },
  'unsupported-media-type': { status: 415, title: 'This is no image of an accepted type' },
  'payload-too-large': { status: 413, title: 'The upload has too many bytes' },
  'too-many-pixels': { status: 413, title: 'The image has too many pixels' },
  unauthenticated: { status: 401, title: 'An API key or a session is needed' },
  forbidden: { status: 403, title: 'This key does not allow this' },
  csrf: { status: 403, title: 'The request does not come from the page that is signed in' },
  'not-found': { status: 404, title: 'There is nothing here' },
  erased: { status: 410, title: 'The upload was erased' },
  'image-gone': { status: 404, title: 'The image is not kept any more' },
  'image-undecodable': { status: 422, title: 'The image cannot be shown' },
  'image-not-ready': { status: 503, title: 'No worker has made this of the image yet', retryAfterSeconds: 2 },
  'explanation-unavailable': { status: 404, title: 'There is nothing to explain the decision by' },
  'idempotency-key-in-use': {
    status: 409,
    title: 'The first request with this idempotency key is still running',
    retryAfterSeconds: 1,
  },
  'idempotency-key-reused': { status: 422, title: 'This idempotency key was used for another request' },
  'forbidden-target': { status: 422, title: 'Requests may not go to this URL' },
  'fetch-failed': { status: 422, title: 'The image could not be fetched from its URL' },
  'last-admin-key': { status: 409, title: 'Nobody could administer this any more' },
  'not-decided': { status: 409, title: 'The upload is not decided yet' },
  'review-claimed': { status: 409, title: 'Somebody else has claimed the review' },
  'review-resolved': { status: 409, title: 'The review is resolved' },
  'undo-expired': { status: 409, title: 'The resolution cannot be undone any more' },
  'too-many-queues': { status: 409, title: 'There are too many queues' },
  'webhook-disabled': { status: 409, title: 'The webhook is disabled' },
  'too-many-webhooks': { status: 409, title: 'There are too many webhooks' },
  'too-many-readers': { status: 503, title: 'The feed has too many readers', retryAfterSeconds: 10 },
  'rate-limited': { status: 429, title: 'Too many requests' },
  overloaded: { status: 503, title: 'Too many uploads', retryAfterSeconds: 1 },
  'storage-full': { status: 507, title: 'There is no room for more images' },
  'store-unavailable': { status: 503, title: 'The service cannot reach its database', retryAfterSeconds: 5 },
  undecodable: INTERNAL,
  'decoder-failed': INTERNAL,
  'model-failed': INTERNAL,
  'invalid-model': INTERNAL,
  'invalid-policy': INTERNAL,
  'invalid-config': INTERNAL,
  internal: INTERNAL,
}

/**
 * Answers with the problem that `error` is. What is not meant for callers says no more than that something went wrong. When to try again is what its
 * kind says, unless the error knows better: seconds, in its detail `retry_after`.
 */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, error: AppError): FastifyReply {
  const { status, retryAfterSeconds } = KINDS[error.code]
  const retryAfter = error.details?.retry_after ?? retryAfterSeconds
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter)
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="pixwarden"')
  return reply.status(status).type('application/problem+json').send(problemOf(error, request.id))
}

export function problemOf({ code: original, message, details }: AppError, requestId: string): Problem {
  const { status, title } = KINDS[original]
  const hidden = KINDS[original] === INTERNAL
  const code = hidden ? 'internal' : original
  return {
    ...(hidden ? undefined : details),
    type: `urn:pixwarden:problem:${code}`,
    title,
    status,
    code,
    ...(!hidden && { detail: message }),
    instance: requestId,
  }
}

/** Whatever was thrown, as one of ours. */
export function toAppError(error: FastifyError | AppError | Error): AppError {
  if (hasCode(error, ...(Object.keys(KINDS) as ErrorCode[]))) return error
  const { validation, statusCode = 500, message } = error as FastifyError
  if (validation) {
    const errors = validation.map(({ instancePath, message: what = 'is not valid' }) => ({
      path: instancePath.slice(1).replaceAll('/', '.'),
      message: what,
    }))
    const detail = errors.map(({ path, message: what }) => (path ? `${path}: ${what}` : what)).join('; ')
    return new AppError('invalid-request', detail, { cause: error, details: { errors } })
  }
  return new AppError(codeOfStatus(statusCode), message || String(STATUS_CODES[statusCode]), { cause: error })
}

/** For the framework's own refusals. */
function codeOfStatus(statusCode: number): ErrorCode {
  if (statusCode === 404) return 'not-found'
  if (statusCode === 413) return 'payload-too-large'
  if (statusCode === 415) return 'unsupported-media-type'
  return statusCode >= 400 && statusCode < 500 ? 'invalid-request' : 'internal'
}
