import { z } from 'zod'
import { MOST_DECISIONS } from '../../core/infra/insight-store.ts'

export const policyParams = z.object({ id: z.string().regex(/^[a-z0-9-]{1,64}$/, 'the id of a policy is needed') })

export const thresholdsSchema = z.object({ flag: z.number().optional(), reject: z.number().optional() })

/** Of what is made from the newest decisions. */
export const sampleSchema = {
  sampled: z.boolean().describe('There are more decisions than `limit`: only the newest were looked at.'),
  limit: z.number().describe(`Decisions of the policy that are looked at: ${MOST_DECISIONS}.`),
}
