import { z } from 'zod'
import { urlBody } from '../intake/read-url.ts'
import { metadataText, storeText, uploadFields } from '../intake/upload-fields.ts'
import { decisionSchema } from './decision-schema.ts'
import { json, problems } from './describe-responses.ts'

const MOST_WAIT_SECONDS = 30

const query = z.strictObject({
  ...uploadFields.shape,
  metadata: metadataText.optional(),
  store: storeText.optional(),
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

const acceptedSchema = z.object({ id: z.uuid(), status: z.literal('pending'), links: z.object({ self: z.string() }) })

/** Bodies that this service reads by itself, as OpenAPI shows them. */
export const uploadBodies = {
  'multipart/form-data': {
    schema: z.object({
      file: z.string().meta({ format: 'binary' }),
      ...uploadFields.shape,
      metadata: metadataText.optional(),
      store: storeText.optional(),
    }),
  },
  'image/*': { schema: z.string().meta({ format: 'binary' }) },
  'application/octet-stream': { schema: z.string().meta({ format: 'binary' }) },
  'application/json': { schema: urlBody },
}

/** What POST /v1/uploads takes besides a body, and answers. */
export const submitUploadSchema = {
  operationId: 'submitUpload',
  tags: ['uploads'],
  summary: 'Submit an image',
  description:
    'As a form with the part `file`, as a raw body, or as JSON with a `url`. The fields may be in the form or in the query. The type is judged by content, never by name or header.',
  querystring: query,
  headers,
  response: {
    200: json('Decided within `wait`, or for an earlier request with the same idempotency key.', decisionSchema),
    202: json('Stored for good; the decision follows.', acceptedSchema),
    ...problems({
      409: 'The first request with this idempotency key is still running',
      410: 'The upload was erased, while its decision was waited for, or since the first request with this idempotency key',
      413: 'Too many bytes, or too many pixels',
      415: 'Not an image of an accepted type',
      422: 'The idempotency key belongs to another request; or the image cannot be fetched: `forbidden-target` when the URL, or one that it redirects to, leads to no public address or to a port that is not allowed; `fetch-failed` with a `reason` (status, redirect, timeout, connection), and the `remote_status` of another answer than 200',
      429: 'This key has sent as many uploads as it may in a minute (the headers `ratelimit-limit`, `-remaining` and `-reset` say how it stands), or too many wrong keys came from one address',
      503: 'Too many uploads are being received, or wait for their decision; or the database is out of reach. Retry-After says when to try again',
      507: 'There is no room for more images',
    }),
  },
}
