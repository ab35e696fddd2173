import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { currentThresholds } from '../../core/domain/compile-policy.ts'
import { windowStart } from '../../core/domain/overview-span.ts'
import { scoreHistogram } from '../../core/domain/score-histogram.ts'
import { MOST_DECISIONS, type StoredScores } from '../../core/infra/insight-store.ts'
import { tenantOf } from '../authenticate.ts'
import type { ApiContext } from '../context.ts'
import { shareReadings } from '../share-readings.ts'
import { activePolicy } from './active-policy.ts'
import { json, problems } from './describe-responses.ts'
import { policyParams, sampleSchema, thresholdsSchema } from './policy-insight-schema.ts'
import { windowQuery } from './window-query.ts'

const MOST_KEPT = 100

const scoresSchema = z
  .object({
    policy: z.string(),
    version: z.string().describe('The active one; only its decisions are counted.'),
    model: z.string().optional().describe('Whose scores these are: the one that decided last.'),
    ...sampleSchema,
    rules: z.array(
      z.object({
        id: z.string(),
        thresholds: thresholdsSchema,
        total: z.number().describe('Scores that were counted.'),
        errored: z.number().describe('Decisions in which the rule had no score.'),
        buckets: z
          .array(z.object({ from: z.number(), to: z.number(), count: z.number() }))
          .describe(
            '40 of equal width: of 0 to 1, or of the range of the scores for `cosine` and `margin`, which without scores has none.',
          ),
      }),
    ),
  })
  .meta({ id: 'PolicyScores' })

/** GET /v1/policies/:id/scores: histograms of what a policy's rules scored. */
export function policyScores({ policies, insights }: ApiContext): FastifyPluginAsyncZod {
  const readings = shareReadings<StoredScores>({ most: MOST_KEPT })

  return async (app) => {
    app.get(
      '/v1/policies/:id/scores',
      {
        config: { scopes: ['review'] },
        schema: {
          operationId: 'getPolicyScores',
          tags: ['policies'],
          summary: 'How the scores of a policy’s rules are distributed',
          params: policyParams,
          querystring: z.strictObject({ window: windowQuery }),
          response: { 200: json('A histogram for each rule.', scoresSchema), ...problems({ 404: 'No such policy' }) },
        },
      },
      async (request) => {
        const tenant = tenantOf(request)
        const { window } = request.query
        const policy = activePolicy(policies, request.params.id)
        const { id, version } = policy
        const since = windowStart(window, new Date())
        const { modelId, sampled, rules } = await readings(`${window} ${version} ${tenant}`, () =>
          insights.scores({ tenant, policy: id, version, since }),
        )
        return {
          policy: id,
          version,
          model: modelId,
          sampled,
          limit: MOST_DECISIONS,
          rules: policy.rules.map((rule) => {
            const { bins, errored } = rules.get(rule.id) ?? { bins: [], errored: 0 }
            return {
              id: rule.id,
              thresholds: currentThresholds(rule, modelId),
              total: bins.reduce((sum, { count }) => sum + count, 0),
              errored,
              buckets: scoreHistogram(rule.score, bins),
            }
          }),
        }
      },
    )
  }
}
