import type { FastifyRequest } from 'fastify'
import { AppError } from '../../core/domain/errors.ts'
import type { Submission } from './accept-upload.ts'
import { readMultipart } from './read-multipart.ts'
import { type Fetch, readUrl } from './read-url.ts'
import { parseUploadFields } from './upload-fields.ts'

type ReadOptions = { maxUploadBytes: number; fetch: Fetch }

/**
 * How a request's image and fields are read: from a form, from JSON with a URL, or from a raw body. Fields of a body go before those of the query.
 * Throws AppError `empty-body` or `invalid-request`, now or while it is read.
 */
export function readSubmission(
  request: FastifyRequest,
  query: Record<string, string | undefined>,
  { maxUploadBytes, fetch }: ReadOptions,
): Pick<Submission, 'read' | 'requestHash'> {
  const given = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined))
  if (request.isMultipart()) return { read: fromForm(request, given, maxUploadBytes) }
  const { body } = request
  if (body === undefined || body === null) throw new AppError('empty-body', 'send an image: as a form, or as the body itself')
  if (body !== request.raw) return readUrl(body, given, fetch)
  const fields = parseUploadFields(given)
  // A refusal must not destroy the request, and its connection with it, before it is answered.
  const bytes = request.raw.iterator({ destroyOnReturn: false })
  return { read: async (receive) => ({ image: await receive(bytes), fields }) }
}

function fromForm(request: FastifyRequest, given: Record<string, unknown>, maxUploadBytes: number): Submission['read'] {
  return async (receive) => {
    const { image, fields } = await readMultipart(request, receive, maxUploadBytes)
    return { image, fields: parseUploadFields({ ...given, ...fields }) }
  }
}
