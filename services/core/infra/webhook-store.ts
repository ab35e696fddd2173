import type { AuditActor } from '../domain/audit.ts'
import type { EventType } from '../domain/events.ts'

/** `request`: somebody asked for it; `gone`: the endpoint itself answered 410. */
export type DisabledReason = 'request' | 'gone'

export type WebhookState =
  /** `failures` counts attempts since the last that succeeded; nothing is sent before `pausedUntil`. */
  | { kind: 'enabled'; failures: number; pausedUntil?: Date | undefined }
  | { kind: 'disabled'; reason: DisabledReason; since: Date }

/** Where a tenant hears of events. No `eventTypes` means every type. */
export type WebhookEndpoint = {
  id: string
  tenant: string
  url: string
  description?: string | undefined
  eventTypes: EventType[]
  state: WebhookState
  createdAt: Date
}

export type NewWebhookEndpoint = Pick<WebhookEndpoint, 'tenant' | 'url' | 'description' | 'eventTypes'>

/** What is absent stays as it is. Enabling forgets failures and pauses. */
export type WebhookChanges = {
  url?: string | undefined
  description?: string | undefined
  eventTypes?: EventType[] | undefined
  state?: 'enabled' | 'disabled' | undefined
}

/** What a tenant may have, so that an event is written a bounded number of times. */
export const MOST_ENDPOINTS = 50

/**
 * Webhook endpoints and their secrets (`whsec_…`), which are told only when they are made. What is another tenant's is not found.
 * The audit log says who changed one: the service itself unless `by` is given. Every method throws AppError `store-unavailable` when PostgreSQL is
 * out of reach.
 */
export interface WebhookStore {
  /** Throws AppError `too-many-webhooks` when the tenant has `MOST_ENDPOINTS`. */
  create(endpoint: NewWebhookEndpoint, by?: AuditActor): Promise<{ endpoint: WebhookEndpoint; secret: string }>
  /** Oldest first. */
  list(tenant: string): Promise<WebhookEndpoint[]>
  find(tenant: string, id: string): Promise<WebhookEndpoint | undefined>
  update(tenant: string, id: string, changes: WebhookChanges, by?: AuditActor): Promise<WebhookEndpoint | undefined>
  /** With its deliveries, pending ones too; false when there is none. */
  remove(tenant: string, id: string, by?: AuditActor): Promise<boolean>
  /** Messages are signed with the new secret, and with the older ones too until `overlapSeconds` have passed. */
  rotateSecret(
    tenant: string,
    id: string,
    options: { overlapSeconds: number },
    by?: AuditActor,
  ): Promise<{ secret: string; previousExpiresAt: Date } | undefined>
}
