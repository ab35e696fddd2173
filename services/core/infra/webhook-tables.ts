import type { ColumnType, Generated } from 'kysely'
import type { EventType } from '../domain/events.ts'
import type { DeliveryState, PastAttempt } from './delivery-store.ts'
import type { DisabledReason } from './webhook-store.ts'

/** The tables of migrations/0010_webhooks.sql, for Kysely. */
export type WebhookTables = {
  webhook_endpoints: WebhookEndpointsTable
  webhook_secrets: WebhookSecretsTable
  deliveries: DeliveriesTable
}

type WebhookEndpointsTable = {
  id: string
  tenant: string
  url: string
  description: string | null
  event_types: EventType[]
  state: Generated<'enabled' | 'disabled'>
  disabled_reason: DisabledReason | null
  disabled_at: Date | null
  failures: Generated<number>
  paused_until: Date | null
  created_at: Generated<Date>
}

type WebhookSecretsTable = {
  /** A bigint, which pg reads as text. */
  id: Generated<string>
  endpoint_id: string
  secret: Buffer
  expires_at: Date | null
}

type DeliveriesTable = {
  id: Generated<string>
  tenant: string
  event_id: string
  endpoint_id: string
  state: Generated<DeliveryState>
  attempts: Generated<number>
  asked_at: Generated<Date>
  next_at: Generated<Date>
  not_before: Date | null
  lease: string | null
  leased_until: Date | null
  last_at: Date | null
  last_status: number | null
  last_error: string | null
  last_duration_ms: number | null
  history: ColumnType<PastAttempt[], never, never>
}
