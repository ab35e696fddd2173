import { z } from 'zod'
import { ACTIONS, MODES } from '../../core/domain/policy.ts'

const action = z.enum(ACTIONS)

const ruleResult = z.looseObject({
  id: z.string(),
  action,
  matched: z.boolean(),
  score: z.number().optional(),
  threshold: z.number().optional().describe('The threshold that was reached, else the lowest that was not.'),
  prompt: z.string().optional(),
  contrast: z.string().optional(),
  view: z.string().optional().describe('The view of the image that scored highest.'),
  error: z.string().optional().describe('Why the rule could not be scored; it flags then.'),
})

const policyVerdict = z.object({
  id: z.string(),
  version: z.string(),
  mode: z.enum(MODES),
  action,
  rules: z.array(ruleResult),
})

/** What is shown of an upload to everybody. */
export const uploadFacts = {
  id: z.uuid(),
  external_id: z.string().optional(),
  source: z.string().optional(),
  uploader: z.string().optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
  image: z.object({
    mime: z.string(),
    width: z.number().optional(),
    height: z.number().optional(),
    byte_size: z.number(),
  }),
  received_at: z.iso.datetime(),
}

const common = { ...uploadFacts, image: z.object({ sha256: z.string(), ...uploadFacts.image.shape }) }

export const pendingSchema = z.object({ ...common, status: z.literal('pending') }).meta({ id: 'PendingUpload' })

export const decisionSchema = z
  .object({
    ...common,
    status: z.literal('decided'),
    action,
    recommendation: z.object({
      action: z.enum(['approve', 'review', 'reject']),
      reason_codes: z.array(z.string()).describe('Ids of the policies that did not approve, or `undecodable`.'),
    }),
    policies: z.array(policyVerdict),
    model: z.object({ id: z.string(), revision: z.string() }).optional(),
    detail: z.string().optional().describe('Why the image could not be judged, or which of its views are missing.'),
    timings_ms: z.object({
      queue: z.number().optional(),
      fetch: z.number().optional(),
      decode: z.number().optional(),
      inference: z.number().optional(),
      decide: z.number().optional(),
    }),
    decided_at: z.iso.datetime(),
  })
  .meta({ id: 'Decision' })

export const uploadSchema = z.discriminatedUnion('status', [pendingSchema, decisionSchema])
