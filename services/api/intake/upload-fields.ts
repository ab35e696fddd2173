import { z } from 'zod'
import { AppError } from '../../core/domain/errors.ts'
import { isStorable, label } from '../given-text.ts'

const MAX_METADATA_BYTES = 16_384
const MAX_DEPTH = 32

/** As it comes in a query or a form. */
export const metadataText = z
  .string()
  .max(MAX_METADATA_BYTES)
  .describe('A JSON object of at most 16 KiB, given back with the decision.')

const metadata = metadataText.transform((text, context): Record<string, unknown> => {
  const value = parseJson(text)
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && isStorableJson(value))
    return value as Record<string, unknown>
  context.addIssue({ code: 'custom', message: 'a JSON object is needed, without NUL characters and not deeply nested' })
  return z.NEVER
})

/** As it comes in a query or a form. */
export const storeText = z
  .enum(['true', 'false'], 'true or false is needed')
  .describe('`false`: once decided, only the decision is kept. Whoever reviews it sees scores, and no image.')

/** What may be sent with an image, as text: `metadata` is a JSON object. */
export const uploadFields = z.strictObject({
  external_id: label().optional().describe('The caller’s own id of the image.'),
  source: label().optional().describe('Where it comes from, for example the name of an app.'),
  uploader: label(200)
    .optional()
    .describe(
      'The caller’s own id of whoever brought it in, never a name or an address: moderators are shown what else came from the same.',
    ),
  metadata: metadata.optional(),
  store: storeText.transform((text) => text === 'true').optional(),
})

export type UploadFields = z.infer<typeof uploadFields>

/** Checks the fields that came with an image. Throws AppError `invalid-request` that lists every problem. */
export function parseUploadFields(fields: Record<string, unknown>): UploadFields {
  const parsed = uploadFields.safeParse(fields)
  if (parsed.success) return parsed.data
  const errors = parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }))
  throw new AppError('invalid-request', 'the fields of the upload are not valid', { details: { errors } })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isStorableJson(value: unknown, depth = 0): boolean {
  if (depth > MAX_DEPTH) return false
  if (typeof value === 'string') return isStorable(value)
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([key, inner]) => isStorable(key) && isStorableJson(inner, depth + 1))
}
