import type { EventType } from '../../../core/domain/events.ts'

/** What GET /v1/webhooks/:id answers. */
export type Webhook = {
  id: string
  url: string
  description?: string
  event_types: EventType[]
  state: 'enabled' | 'disabled'
  disabled_reason?: 'request' | 'gone'
  disabled_at?: string
  failures?: number
  paused_until?: string
  created_at: string
}

export const DELIVERY_STATES = ['pending', 'delivered', 'dead'] as const
export type DeliveryState = (typeof DELIVERY_STATES)[number]

/** What GET /v1/webhooks/:id/deliveries lists. */
export type Delivery = {
  id: string
  webhook_id: string
  event: { id: string; type: string; created_at: string }
  state: DeliveryState
  attempts: number
  next_at?: string
  last?: { at: string; status?: number; error?: string; duration_ms: number }
}

export type DeliveryDetails = Delivery & {
  body: string
  history: { at: string; status?: number; error?: string; duration_ms: number; response?: string }[]
}
