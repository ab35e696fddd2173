import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { currentThresholds } from '../../core/domain/compile-policy.ts'
import { AppError } from '../../core/domain/errors.ts'
import { windowStart } from '../../core/domain/overview-span.ts'
import type { LoadedPolicy, Rule, Thresholds } from '../../core/domain/policy.ts'
import { type StoredVerdict, whatIf } from '../../core/domain/what-if.ts'
import { MOST_DECISIONS, type StoredVerdicts } from '../../core/infra/insight-store.ts'
import { tenantOf } from '../authenticate.ts'
import type { ApiContext } from '../context.ts'
import { shareReadings } from '../share-readings.ts'
import { activePolicy } from './active-policy.ts'
import { json, problems } from './describe-responses.ts'
import { policyParams, sampleSchema, thresholdsSchema } from './policy-insight-schema.ts'
import { windowQuery } from './window-query.ts'

const MOST_ITEMS = 20
/** Each is some megabytes. */
const MOST_KEPT = 8

const threshold = z.union([z.literal('none'), z.coerce.number().min(-2).max(2)])

const query = z.strictObject({
  rule: z.string().min(1).max(64).describe('The id of the rule whose thresholds would be others.'),
  flag: threshold.optional().describe('`none` for no such threshold; as it is when left out.'),
  reject: threshold.optional().describe('The same.'),
  window: windowQuery,
})

const counts = z.object({ approve: z.number(), flag: z.number(), reject: z.number() })
const examples = z.array(z.object({ upload_id: z.uuid(), score: z.number().optional(), has_image: z.boolean() }))

const whatIfSchema = z
  .object({
    considered: z.number().describe('Decisions of the active version in the window.'),
    version: z.string(),
    ...sampleSchema,
    rule: z.string(),
    thresholds: thresholdsSchema.describe('Those that were tried.'),
    now: counts.describe('What the policy came to.'),
    // biome-ignore lint/suspicious/noThenProperty: no function, so no promise
    then: counts.describe('What it would have come to.'),
    newly: examples.describe('Approved, and would not be: the newest, at most 20.'),
    no_longer: examples.describe('Not approved, and would be: the newest, at most 20.'),
  })
  .meta({ id: 'WhatIf' })

/** GET /v1/policies/:id/what-if: other thresholds, tried on what was decided. */
export function policyWhatIf({ policies, insights }: ApiContext): FastifyPluginAsyncZod {
  const readings = shareReadings<StoredVerdicts>({ most: MOST_KEPT })

  return async (app) => {
    app.get(
      '/v1/policies/:id/what-if',
      {
        config: { scopes: ['review'] },
        schema: {
          operationId: 'tryThresholds',
          tags: ['policies'],
          summary: 'What a policy would have come to with other thresholds of a rule',
          description:
            'Nothing changes. The scores are those of the stored decisions; a rule that errored flags under any threshold.',
          params: policyParams,
          querystring: query,
          response: {
            200: json('Both outcomes, in numbers, with examples of what would change.', whatIfSchema),
            ...problems({ 404: 'No such policy' }),
          },
        },
      },
      async (request) => {
        const tenant = tenantOf(request)
        const { window, rule: ruleId, ...asked } = request.query
        const policy = activePolicy(policies, request.params.id)
        const rule = ruleOf(policy, ruleId)
        const { id, version } = policy
        const since = windowStart(window, new Date())
        const stored = await readings(`${window} ${version} ${ruleId} ${tenant}`, () =>
          insights.verdicts({ tenant, policy: id, version, since }, ruleId),
        )
        const thresholds = triedThresholds(currentThresholds(rule, stored.modelId), asked)
        const { before, after, newly, noLonger } = whatIf(stored.verdicts, thresholds)
        const shown = [newly, noLonger].map((verdicts) => verdicts.slice(0, MOST_ITEMS))
        const [newlyShown = [], noLongerShown = []] = shown
        const ids = shown.flat().map(({ uploadId }) => uploadId)
        const kept = await insights.withImage(tenant, ids)
        return {
          considered: stored.verdicts.length,
          version,
          sampled: stored.sampled,
          limit: MOST_DECISIONS,
          rule: ruleId,
          thresholds,
          now: before,
          // biome-ignore lint/suspicious/noThenProperty: no function, so no promise
          then: after,
          newly: newlyShown.map((verdict) => showExample(verdict, kept)),
          no_longer: noLongerShown.map((verdict) => showExample(verdict, kept)),
        }
      },
    )
  }
}

function ruleOf({ id, rules }: LoadedPolicy, ruleId: string): Rule {
  const rule = rules.find((each) => each.id === ruleId)
  if (!rule) throw new AppError('invalid-request', `the policy ${id} has no rule ${ruleId}`)
  return rule
}

type Asked = { flag?: number | 'none' | undefined; reject?: number | 'none' | undefined }

/** Throws AppError `invalid-request` for thresholds that no policy may have. */
function triedThresholds(current: Thresholds, { flag = current.flag, reject = current.reject }: Asked): Thresholds {
  const tried = { flag: flag === 'none' ? undefined : flag, reject: reject === 'none' ? undefined : reject }
  if (tried.flag === undefined && tried.reject === undefined)
    throw new AppError('invalid-request', 'flag, reject or both are needed')
  if (tried.flag !== undefined && tried.reject !== undefined && tried.flag > tried.reject)
    throw new AppError('invalid-request', `flag, ${tried.flag}, must not be above reject, ${tried.reject}`)
  return tried
}

function showExample({ uploadId, score }: StoredVerdict, withImage: Set<string>) {
  return { upload_id: uploadId, score, has_image: withImage.has(uploadId) }
}
