import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { AppError } from '../../core/domain/errors.ts'
import { checkTargetUrl } from '../../core/infra/guarded-url.ts'
import { actorOf, tenantOf } from '../authenticate.ts'
import type { ApiContext } from '../context.ts'
import { json, problems } from './describe-responses.ts'
import { idParams } from './id-params.ts'
import {
  createdWebhookSchema,
  deliverySchema,
  rotatedSecretSchema,
  showDelivery,
  showWebhook,
  webhookFields,
  webhookSchema,
} from './webhook-schema.ts'

const DAY_SECONDS = 24 * 3600
const config = { scopes: ['admin'] as const }
const tags = ['webhooks']
const missing = { 404: 'No such webhook' }
const refused = { 422: '`forbidden-target`: the URL leads to no public address, or to a port that is not allowed' }

const changes = z.strictObject({
  url: webhookFields.url.optional(),
  description: webhookFields.description.optional().describe('Empty to have none.'),
  event_types: webhookFields.event_types.optional(),
  state: z.enum(['enabled', 'disabled']).optional().describe('`enabled` forgets failures and pauses; what waited is sent.'),
})
const rotation = z
  .strictObject({
    overlap_seconds: z
      .number()
      .int()
      .min(0)
      .max(7 * DAY_SECONDS)
      .default(DAY_SECONDS)
      .describe('How long messages are signed with the older secret too; 0 when it has become known to others.'),
  })
  .nullish()

/** /v1/webhooks: where a platform hears of events. */
export function manageWebhooks({ webhooks, deliveries, config: { outbound: rules } }: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.post(
      '/v1/webhooks',
      {
        config,
        schema: {
          operationId: 'createWebhook',
          tags,
          summary: 'Hear of events',
          description:
            'From now on; messages follow Standard Webhooks 1.0.0. Keep the secret: it is what signatures are checked with.',
          body: z.strictObject({
            url: webhookFields.url,
            description: webhookFields.description.optional(),
            event_types: webhookFields.event_types.default([]),
          }),
          response: {
            201: json('Made.', createdWebhookSchema),
            ...problems({ 409: '`too-many-webhooks`: a tenant has 50 at most', ...refused }),
          },
        },
      },
      async (request, reply) => {
        const { url, description, event_types } = request.body
        const { href } = checkTargetUrl(url, rules)
        const given = { tenant: tenantOf(request), url: href, description, eventTypes: [...new Set(event_types)] }
        const { endpoint, secret } = await webhooks.create(given, actorOf(request))
        return reply
          .code(201)
          .header('location', `/v1/webhooks/${endpoint.id}`)
          .header('cache-control', 'no-store')
          .send({ ...showWebhook(endpoint), secret })
      },
    )

    app.get(
      '/v1/webhooks',
      {
        config,
        schema: {
          operationId: 'listWebhooks',
          tags,
          summary: 'The webhooks, oldest first',
          response: { 200: json('All of them.', z.object({ items: z.array(webhookSchema) })), ...problems({}) },
        },
      },
      async (request) => ({ items: (await webhooks.list(tenantOf(request))).map(showWebhook) }),
    )

    app.get(
      '/v1/webhooks/:id',
      {
        config,
        schema: {
          operationId: 'getWebhook',
          tags,
          summary: 'A webhook',
          params: idParams,
          response: { 200: json('The webhook.', webhookSchema), ...problems(missing) },
        },
      },
      async (request) => {
        const { id } = request.params
        return showWebhook(found(await webhooks.find(tenantOf(request), id), id))
      },
    )

    app.patch(
      '/v1/webhooks/:id',
      {
        config,
        schema: {
          operationId: 'updateWebhook',
          tags,
          summary: 'Change a webhook, enable or disable it',
          description:
            'While it is disabled no events are kept for it; those that waited before are sent when it is enabled again within three days.',
          params: idParams,
          body: changes,
          response: { 200: json('As it is now.', webhookSchema), ...problems({ ...missing, ...refused }) },
        },
      },
      async (request) => {
        const { id } = request.params
        const { url, description, event_types, state } = request.body
        const given = {
          url: url === undefined ? undefined : checkTargetUrl(url, rules).href,
          description,
          eventTypes: event_types && [...new Set(event_types)],
          state,
        }
        return showWebhook(found(await webhooks.update(tenantOf(request), id, given, actorOf(request)), id))
      },
    )

    app.delete(
      '/v1/webhooks/:id',
      {
        config,
        schema: {
          operationId: 'deleteWebhook',
          tags,
          summary: 'Delete a webhook, and all its deliveries',
          params: idParams,
          response: { 204: z.void().describe('It is gone.'), ...problems(missing) },
        },
      },
      async (request, reply) => {
        const { id } = request.params
        found((await webhooks.remove(tenantOf(request), id, actorOf(request))) || undefined, id)
        return reply.code(204).send()
      },
    )

    app.post(
      '/v1/webhooks/:id/rotate-secret',
      {
        config,
        schema: {
          operationId: 'rotateWebhookSecret',
          tags,
          summary: 'Replace the secret of a webhook',
          description:
            'For a while, a day unless told otherwise, messages carry signatures with both secrets, so that receivers can change over.',
          params: idParams,
          body: rotation,
          response: { 200: json('The new secret.', rotatedSecretSchema), ...problems(missing) },
        },
      },
      async (request, reply) => {
        const { id } = request.params
        const overlapSeconds = request.body?.overlap_seconds ?? DAY_SECONDS
        const rotated = await webhooks.rotateSecret(tenantOf(request), id, { overlapSeconds }, actorOf(request))
        const { secret, previousExpiresAt } = found(rotated, id)
        return reply.header('cache-control', 'no-store').send({ secret, previous_expires_at: previousExpiresAt.toISOString() })
      },
    )

    app.post(
      '/v1/webhooks/:id/test',
      {
        config,
        schema: {
          operationId: 'testWebhook',
          tags,
          summary: 'Have a `webhook.test` event sent to this webhook',
          params: idParams,
          response: {
            202: json('On its way; its delivery tells how it went.', deliverySchema),
            ...problems({ ...missing, 409: '`webhook-disabled`' }),
          },
        },
      },
      async (request, reply) => {
        const { id } = request.params
        const delivery = found(await deliveries.sendTest(tenantOf(request), id, actorOf(request)), id)
        return reply.code(202).header('location', `/v1/webhooks/deliveries/${delivery.id}`).send(showDelivery(delivery))
      },
    )
  }
}

function found<T>(value: T | undefined, id: string): T {
  if (value === undefined) throw new AppError('not-found', `there is no webhook ${id}`)
  return value
}
