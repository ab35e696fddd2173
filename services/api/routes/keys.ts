import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { AppError } from '../../core/domain/errors.ts'
import { SCOPES } from '../../core/domain/scopes.ts'
import type { ListedKey } from '../../core/infra/api-key-store.ts'
import { actorOf, tenantOf } from '../authenticate.ts'
import type { ApiContext } from '../context.ts'
import type { Credentials } from '../credentials.ts'
import { json, problems } from './describe-responses.ts'
import { idParams } from './id-params.ts'

const tags = ['keys']
const config = { scopes: ['admin'] as const }

const keySchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    scopes: z.array(z.enum(SCOPES)),
    created_at: z.iso.datetime(),
    last_used_at: z.iso.datetime().optional().describe('To the minute; that somebody is signed in by it is no use.'),
    current: z.boolean().describe('It is the one that this request was made with, or its session by.'),
  })
  .meta({ id: 'ApiKey' })
const createdSchema = keySchema
  .extend({ secret: z.string().describe('Shown this once: only its hash is stored.') })
  .meta({ id: 'CreatedApiKey' })

const newKey = z.strictObject({
  name: z
    .string()
    .trim()
    .min(1)
    .max(100)
    .regex(/^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]*$/u, 'a name on one line is needed')
    .describe('What it is for.'),
  scopes: z.array(z.enum(SCOPES)).min(1).describe('`admin` includes the others.'),
})

/** /v1/keys: the API keys of a tenant. */
export function manageKeys({ keys }: ApiContext, credentials: Credentials): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/v1/keys',
      {
        config,
        schema: {
          operationId: 'listKeys',
          tags,
          summary: 'The keys in force, oldest first',
          response: { 200: json('All of them.', z.object({ items: z.array(keySchema) })), ...problems({}) },
        },
      },
      async (request) => {
        const listed = await keys.list(tenantOf(request))
        return { items: listed.map((key) => show(key, request.apiKey?.id)) }
      },
    )

    app.post(
      '/v1/keys',
      {
        config,
        schema: {
          operationId: 'createKey',
          tags,
          summary: 'Make a key',
          body: newKey,
          response: { 201: json('Made.', createdSchema), ...problems({}) },
        },
      },
      async (request, reply) => {
        const { name, scopes } = request.body
        const given = { tenant: tenantOf(request), name, scopes: [...new Set(scopes)] }
        const { secret, ...key } = await keys.create(given, actorOf(request))
        return reply
          .code(201)
          .header('cache-control', 'no-store')
          .send({ ...show({ ...key, lastUsedAt: undefined }), secret })
      },
    )

    app.delete(
      '/v1/keys/:id',
      {
        config,
        schema: {
          operationId: 'revokeKey',
          tags,
          summary: 'Revoke a key, and end the sessions by it',
          description: 'Other processes notice within 5 seconds.',
          params: idParams,
          response: {
            204: z.void().describe('It is worth nothing any more.'),
            ...problems({ 404: 'No such key in force', 409: '`last-admin-key`: nobody could administer the tenant any more' }),
          },
        },
      },
      async (request, reply) => {
        const { id } = request.params
        if (!(await keys.revokeOf(tenantOf(request), id, actorOf(request))))
          throw new AppError('not-found', `there is no key ${id} in force`)
        credentials.keys.forget((key) => key.id === id)
        credentials.sessions.forget(({ key }) => key.id === id)
        return reply.code(204).send()
      },
    )
  }
}

function show({ id, name, scopes, createdAt, lastUsedAt }: ListedKey, currentId?: string): z.infer<typeof keySchema> {
  return {
    id,
    name,
    scopes,
    created_at: createdAt.toISOString(),
    last_used_at: lastUsedAt?.toISOString(),
    current: id === currentId,
  }
}
