import type { FastifyRequest } from 'fastify'
import { AppError } from '../../core/domain/errors.ts'
import type { ReceivedImage } from './receive-image.ts'

const FIELDS = 8
const FIELD_BYTES = 65_536

/**
 * Reads a form with one `file` part; its other fields may come before or after. Resolves once the whole body was read.
 * Throws AppError `invalid-request` when the form is malformed, and what `receive` throws.
 */
export async function readMultipart(
  request: FastifyRequest,
  receive: (file: AsyncIterable<Uint8Array>) => Promise<ReceivedImage>,
  maxUploadBytes: number,
): Promise<{ image: ReceivedImage; fields: Record<string, string> }> {
  const fields: Record<string, string> = {}
  let image: ReceivedImage | undefined
  // One byte more than is accepted, so that what counts the bytes says that they are too many.
  const limits = { files: 1, fields: FIELDS, parts: FIELDS + 1, fieldSize: FIELD_BYTES, fileSize: maxUploadBytes + 1 }
  for await (const part of wellFormed(request.parts({ limits }))) {
    if (part.type === 'file') {
      if (part.fieldname !== 'file') throw malformed(`there is a file in the part "${part.fieldname}": it belongs into "file"`)
      image = await receive(wellFormed(part.file))
    } else if (part.fieldname === 'file') throw malformed('the part "file" needs a filename')
    else if (part.fieldname in fields) throw malformed(`the field "${part.fieldname}" is there twice`)
    else if (part.valueTruncated) throw malformed(`the field "${part.fieldname}" is too long`)
    else fields[part.fieldname] = typeof part.value === 'string' ? part.value : JSON.stringify(part.value)
  }
  if (!image) throw malformed('the form has no part "file"')
  return { image, fields }
}

/** What the parser throws is the sender's mistake, whatever its name. */
async function* wellFormed<T>(parsed: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* parsed
  } catch (cause) {
    throw malformed(`the form cannot be read: ${(cause as Error).message}`, cause)
  }
}

function malformed(message: string, cause?: unknown): AppError {
  return new AppError('invalid-request', message, { cause })
}
