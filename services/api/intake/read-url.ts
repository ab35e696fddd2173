import { z } from 'zod'
import { AppError } from '../../core/domain/errors.ts'
import { hashRequest, type Submission } from './accept-upload.ts'
import type { ReceivedImage } from './receive-image.ts'
import { parseUploadFields, uploadFields } from './upload-fields.ts'

export type Fetch = (url: string, receive: (bytes: AsyncIterable<Uint8Array>) => Promise<ReceivedImage>) => Promise<ReceivedImage>

/** A JSON body, as OpenAPI shows it. */
export const urlBody = z.strictObject({
  url: z.url().max(2048).describe('Where the image is: http or https, on a public address; up to 3 redirects are followed.'),
  ...uploadFields.shape,
  metadata: z.record(z.string(), z.unknown()).optional().describe('At most 16 KiB of JSON, given back with the decision.'),
  store: z.boolean().optional().describe('As in a form.'),
})

/**
 * Reads a JSON body that says where the image is, and has `fetch` get it once the submission is read.
 * Throws AppError `invalid-request`.
 */
export function readUrl(body: unknown, query: Record<string, unknown>, fetch: Fetch): Pick<Submission, 'read' | 'requestHash'> {
  const { url, metadata, store, ...rest } = Object(body) as Record<string, unknown>
  if (typeof url !== 'string') throw new AppError('invalid-request', 'a JSON body says where the image is: {"url": "https://…"}')
  const fields = parseUploadFields({
    ...query,
    ...rest,
    ...(metadata !== undefined && { metadata: JSON.stringify(metadata) }),
    ...(store !== undefined && { store: JSON.stringify(store) }),
  })
  return {
    requestHash: hashRequest(url, fields),
    read: async (receive) => ({ image: await fetch(url, receive), fields }),
  }
}
