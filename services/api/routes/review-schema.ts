import { z } from 'zod'
import { ACTIONS } from '../../core/domain/policy.ts'
import { REVIEW_ORIGINS, REVIEW_STATES, RULINGS } from '../../core/domain/review.ts'
import { label, prose } from '../given-text.ts'
import { decisionSchema, uploadFacts } from './decision-schema.ts'

export const reviewFilter = {
  policy: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/, 'the id of a policy is needed')
    .optional()
    .describe('Only reviews that have this among their reason codes.'),
  source: label().optional(),
  origin: z.enum(REVIEW_ORIGINS).optional().describe('Why it is open.'),
}

/** An action, and why. */
export const ruling = {
  action: z.enum(RULINGS),
  reason_code: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_.-]{0,63}$/, 'lower-case letters, digits and . _ - are needed')
    .describe('A code of your own, or the id of a policy.'),
  note: prose({ most: 2000 }).optional(),
}

const person = z.object({ id: z.string(), name: z.string() })

const pastResolution = z.object({
  action: z.enum(RULINGS),
  reason_code: z.string(),
  note: z.string().optional(),
  by: person,
  at: z.iso.datetime(),
})

export const reviewSchema = z
  .object({
    id: z.uuid(),
    state: z.enum(REVIEW_STATES).describe('A claim whose lease has ended is none: the review is open.'),
    origin: z.enum(REVIEW_ORIGINS),
    priority: z.number().describe('A head start in hours: it is handed out as one that has waited so much longer.'),
    upload: z.object({
      ...uploadFacts,
      has_image: z.boolean().describe('False when the bytes are deleted: there are only scores.'),
    }),
    action: z.enum(ACTIONS).describe('The machine’s.'),
    reason_codes: z.array(z.string()),
    reports: z.number(),
    appeal: z.object({ reason: z.string().optional(), at: z.iso.datetime() }).optional(),
    opened_at: z.iso.datetime().describe('Or opened again.'),
    claim: z.object({ by: person, mine: z.boolean(), expires_at: z.iso.datetime() }).optional(),
    resolution: pastResolution
      .extend({ undo_until: z.iso.datetime().optional().describe('Until then who resolved it can undo it.') })
      .optional(),
    earlier: z.array(pastResolution).optional().describe('Resolutions that an appeal or a report has put in question.'),
    decision: decisionSchema.optional(),
  })
  .meta({ id: 'Review' })

export const reviewPageSchema = z.object({ items: z.array(reviewSchema), next_cursor: z.string().optional() })
