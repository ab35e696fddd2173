import { z } from 'zod'
import { ACTIONS } from '../../core/domain/policy.ts'
import { RULINGS } from '../../core/domain/review.ts'

/** Of an upload beside the one that is looked at. */
export const pastUpload = {
  upload_id: z.uuid(),
  action: z.enum(ACTIONS).describe('The machine’s.'),
  reason_codes: z.array(z.string()),
  resolution: z
    .object({ action: z.enum(RULINGS), reason_code: z.string(), at: z.iso.datetime() })
    .optional()
    .describe('A person’s, once its review is resolved.'),
  has_image: z.boolean().describe('Whether its image is still there to be looked at.'),
}
