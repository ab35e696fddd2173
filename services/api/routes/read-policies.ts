import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { AppError } from '../../core/domain/errors.ts'
import { type LoadedPolicy, MODES, SCORE_KINDS, templatesOf } from '../../core/domain/policy.ts'
import { viewNames } from '../../core/domain/views.ts'
import type { ApiContext } from '../context.ts'
import { json, problems } from './describe-responses.ts'

const ruleSchema = z.looseObject({
  id: z.string(),
  title: z.string().optional(),
  score: z.enum(SCORE_KINDS),
  templates: z.array(z.string()).describe('What a concept is put into, where {} stands.'),
  concepts: z.array(z.string()),
  contrast: z.array(z.string()),
  background: z.number().optional(),
  thresholds: z
    .record(z.string(), z.object({ flag: z.number().optional(), reject: z.number().optional() }))
    .describe('By model id; `*` stands for any, `default` for those that are not named.'),
})

const policySchema = z
  .object({
    id: z.string(),
    title: z.string(),
    description: z.string().optional(),
    limits: z.string().optional().describe('What the model can and cannot see of this subject.'),
    version: z.string().describe('SHA-256 of what the policy means; prose and tests do not change it.'),
    mode: z.enum(MODES),
    views: z
      .array(z.string())
      .describe('What it is judged by: `full`, or `tiles` of a large picture and `frames:N` of an animation besides.'),
    rules: z.array(ruleSchema),
  })
  .meta({ id: 'Policy' })

/** GET /v1/policies and GET /v1/policies/:id: the active versions. */
export function readPolicies({ policies }: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/v1/policies',
      {
        config: { scopes: ['review'] },
        schema: {
          operationId: 'listPolicies',
          tags: ['policies'],
          summary: 'The active policies',
          response: { 200: json('The policies.', z.object({ items: z.array(policySchema) })), ...problems({}) },
        },
      },
      async () => ({ items: policies.current().map(show) }),
    )

    app.get(
      '/v1/policies/:id',
      {
        config: { scopes: ['review'] },
        schema: {
          operationId: 'getPolicy',
          tags: ['policies'],
          summary: 'An active policy',
          params: z.object({ id: z.string().max(64) }),
          response: { 200: json('The policy.', policySchema), ...problems({ 404: 'No such policy' }) },
        },
      },
      async ({ params: { id } }) => {
        const policy = policies.current().find((each) => each.id === id)
        if (!policy) throw new AppError('not-found', `there is no policy ${id}`)
        return show(policy)
      },
    )
  }
}

function show(policy: LoadedPolicy): z.infer<typeof policySchema> {
  const { id, title, description, limits, version, mode, views } = policy
  const rules = policy.rules.map((rule) => ({
    ...rule,
    templates: templatesOf(policy, rule),
    thresholds: { ...rule.thresholds },
  }))
  return { id, title, description, limits, version, mode, views: viewNames(views), rules }
}
