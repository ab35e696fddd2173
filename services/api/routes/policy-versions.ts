import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { AppError } from '../../core/domain/errors.ts'
import { MOST_DECISIONS } from '../../core/infra/insight-store.ts'
import { tenantOf } from '../authenticate.ts'
import type { ApiContext } from '../context.ts'
import { json, problems } from './describe-responses.ts'
import { policyParams, sampleSchema } from './policy-insight-schema.ts'

const versionsSchema = z
  .object({
    ...sampleSchema,
    items: z.array(
      z.object({
        version: z.string(),
        first_seen: z.iso.datetime().describe('When a worker first judged by it.'),
        active: z.boolean(),
        body: z.looseObject({}).describe('What the policy means: the JSON text of which the version is the SHA-256.'),
        decisions: z.number().describe('Among the newest `limit` of the policy.'),
      }),
    ),
  })
  .meta({ id: 'PolicyVersions' })

/** GET /v1/policies/:id/versions: what a policy was, also one that is gone. */
export function policyVersions({ policies, insights }: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/v1/policies/:id/versions',
      {
        config: { scopes: ['review'] },
        schema: {
          operationId: 'listPolicyVersions',
          tags: ['policies'],
          summary: 'The versions of a policy that have judged, newest first, at most 100',
          params: policyParams,
          response: { 200: json('The versions.', versionsSchema), ...problems({ 404: 'No such policy' }) },
        },
      },
      async (request) => {
        const { id } = request.params
        const active = policies.current().find((each) => each.id === id)
        const { versions, sampled } = await insights.policyVersions(tenantOf(request), id)
        if (!active && versions.length === 0) throw new AppError('not-found', `there is no policy ${id}`)
        const items = versions.map(({ version, firstSeen, body, decisions }) => ({
          version,
          first_seen: firstSeen.toISOString(),
          active: version === active?.version,
          body: body as Record<string, unknown>,
          decisions,
        }))
        return { sampled, limit: MOST_DECISIONS, items }
      },
    )
  }
}
