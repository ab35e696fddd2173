import { z } from 'zod'
import { EVENT_TYPES } from '../../core/domain/events.ts'
import { DELIVERY_STATES, type Delivery, type DeliveryDetails } from '../../core/infra/delivery-store.ts'
import type { WebhookEndpoint } from '../../core/infra/webhook-store.ts'
import { prose } from '../given-text.ts'

export const webhookFields = {
  url: z.string().min(1).max(2048).describe('Where messages are posted: https, or http, on an allowed port of a public address.'),
  description: prose({ least: 0, most: 500 }),
  event_types: z.array(z.enum(EVENT_TYPES)).max(EVENT_TYPES.length).describe('None means all of them.'),
}

export const webhookSchema = z
  .object({
    id: z.uuid(),
    url: z.string(),
    description: z.string().optional(),
    event_types: webhookFields.event_types,
    state: z.enum(['enabled', 'disabled']),
    disabled_reason: z.enum(['request', 'gone']).optional().describe('`gone`: it answered 410.'),
    disabled_at: z.iso.datetime().optional(),
    failures: z.number().optional().describe('Attempts since the last that succeeded.'),
    paused_until: z.iso.datetime().optional().describe('Nothing is sent before: it asked for that, or fails again and again.'),
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'Webhook' })

const secret = z.string().describe('`whsec_` and 32 bytes in base64. It is shown this once.')

export const createdWebhookSchema = webhookSchema.extend({ secret }).meta({ id: 'CreatedWebhook' })
export const rotatedSecretSchema = z.object({
  secret,
  previous_expires_at: z.iso.datetime().describe('Until then messages carry a signature with the older secret too.'),
})

export const deliverySchema = z
  .object({
    id: z.uuid(),
    webhook_id: z.uuid(),
    event: z.object({
      id: z.uuid().describe('What the header webhook-id says.'),
      type: z.string(),
      created_at: z.iso.datetime(),
    }),
    state: z.enum(DELIVERY_STATES),
    attempts: z.number().describe('Since it was created, or last asked for again.'),
    next_at: z.iso.datetime().optional().describe('When the next attempt is due.'),
    last: z
      .object({
        at: z.iso.datetime(),
        status: z.number().optional(),
        error: z.string().optional(),
        duration_ms: z.number(),
      })
      .optional(),
  })
  .meta({ id: 'Delivery' })

export const deliveryDetailsSchema = deliverySchema
  .extend({
    body: z.string().describe('The text that is sent, and signed, each time.'),
    history: z
      .array(
        z.object({
          at: z.iso.datetime(),
          status: z.number().optional(),
          error: z.string().optional(),
          duration_ms: z.number(),
          response: z.string().optional().describe('The beginning of an answer that was no success.'),
        }),
      )
      .describe('The latest attempts, oldest first.'),
  })
  .meta({ id: 'DeliveryDetails' })

export const deliveryPageSchema = z.object({ items: z.array(deliverySchema), next_cursor: z.string().optional() })

export function showWebhook({
  id,
  url,
  description,
  eventTypes,
  state,
  createdAt,
}: WebhookEndpoint): z.infer<typeof webhookSchema> {
  return {
    id,
    url,
    description,
    event_types: eventTypes,
    state: state.kind,
    ...(state.kind === 'disabled'
      ? { disabled_reason: state.reason, disabled_at: state.since.toISOString() }
      : { failures: state.failures, paused_until: state.pausedUntil?.toISOString() }),
    created_at: createdAt.toISOString(),
  }
}

export function showDelivery({ id, endpointId, event, state, attempts, nextAt, last }: Delivery): z.infer<typeof deliverySchema> {
  return {
    id,
    webhook_id: endpointId,
    event: { id: event.id, type: event.type, created_at: event.createdAt.toISOString() },
    state,
    attempts,
    next_at: nextAt?.toISOString(),
    last: last && { at: last.at.toISOString(), status: last.status, error: last.error, duration_ms: last.durationMs },
  }
}

export function showDeliveryDetails(delivery: DeliveryDetails): z.infer<typeof deliveryDetailsSchema> {
  return { ...showDelivery(delivery), body: delivery.body, history: delivery.history }
}
