import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { AppError } from '../../core/domain/errors.ts'
import { DELIVERY_STATES, type Delivery } from '../../core/infra/delivery-store.ts'
import type { Page } from '../../core/infra/upload-store.ts'
import { actorOf, tenantOf } from '../authenticate.ts'
import type { ApiContext } from '../context.ts'
import { json, problems } from './describe-responses.ts'
import { idParams } from './id-params.ts'
import { deliveryDetailsSchema, deliveryPageSchema, deliverySchema, showDelivery, showDeliveryDetails } from './webhook-schema.ts'

const config = { scopes: ['admin'] as const }
const tags = ['webhooks']
const missing = { 404: 'No such delivery' }

const page = z.strictObject({
  cursor: z.string().min(1).max(500).optional().describe('The `next_cursor` of the page before.'),
  limit: z.coerce.number().int().min(1).max(200).default(50),
})
const filteredPage = page.extend({ state: z.enum(DELIVERY_STATES).optional() })
const aPage = json('A page; without `next_cursor` it is the last.', deliveryPageSchema)

/** What was sent to webhooks, or is to be, and how that went. */
export function webhookDeliveries({ webhooks, deliveries }: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/v1/webhooks/:id/deliveries',
      {
        config,
        schema: {
          operationId: 'listDeliveries',
          tags,
          summary: 'The deliveries of a webhook, newest event first, page by page',
          params: idParams,
          querystring: filteredPage,
          response: { 200: aPage, ...problems({ 404: 'No such webhook' }) },
        },
      },
      async (request) => {
        const { id } = request.params
        const { state, ...rest } = request.query
        const tenant = tenantOf(request)
        if (!(await webhooks.find(tenant, id))) throw new AppError('not-found', `there is no webhook ${id}`)
        return showPage(await deliveries.list(tenant, { endpointId: id, state }, rest))
      },
    )

    app.get(
      '/v1/webhooks/dead-letters',
      {
        config,
        schema: {
          operationId: 'listDeadLetters',
          tags,
          summary: 'The deliveries, of all webhooks, whose last attempt failed',
          querystring: page,
          response: { 200: aPage, ...problems({}) },
        },
      },
      async (request) => showPage(await deliveries.list(tenantOf(request), { state: 'dead' }, request.query)),
    )

    app.get(
      '/v1/webhooks/deliveries/:id',
      {
        config,
        schema: {
          operationId: 'getDelivery',
          tags,
          summary: 'A delivery, with its text and its latest attempts',
          params: idParams,
          response: { 200: json('The delivery.', deliveryDetailsSchema), ...problems(missing) },
        },
      },
      async (request) => {
        const { id } = request.params
        return showDeliveryDetails(found(await deliveries.find(tenantOf(request), id), id))
      },
    )

    app.post(
      '/v1/webhooks/deliveries/:id/redeliver',
      {
        config,
        schema: {
          operationId: 'redeliver',
          tags,
          summary: 'Send an event again',
          description: 'With the same webhook-id and the same bytes, whatever became of it before; its schedule begins anew.',
          params: idParams,
          response: {
            202: json('On its way.', deliverySchema),
            ...problems({ ...missing, 409: '`webhook-disabled`' }),
          },
        },
      },
      async (request, reply) => {
        const { id } = request.params
        const delivery = found(await deliveries.redeliver(tenantOf(request), id, actorOf(request)), id)
        return reply.code(202).send(showDelivery(delivery))
      },
    )
  }
}

function showPage({ items, nextCursor }: Page<Delivery>): z.infer<typeof deliveryPageSchema> {
  return { items: items.map(showDelivery), next_cursor: nextCursor }
}

function found<T>(value: T | undefined, id: string): T {
  if (value === undefined) throw new AppError('not-found', `there is no delivery ${id}`)
  return value
}
