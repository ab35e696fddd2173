import type { AuditActor } from '../domain/audit.ts'
import type { Page } from './upload-store.ts'

export const DELIVERY_STATES = ['pending', 'delivered', 'dead'] as const
export type DeliveryState = (typeof DELIVERY_STATES)[number]

/** How a delivery went once; the newest `MOST_HISTORY` are kept. `response` is the beginning of the body of an answer that was no success. */
export type PastAttempt = { at: string; status?: number; error?: string; duration_ms: number; response?: string }
export const MOST_HISTORY = 20

/** An event on its way to an endpoint. */
export type Delivery = {
  id: string
  endpointId: string
  event: { id: string; type: string; createdAt: Date }
  state: DeliveryState
  /** Since it was created, or last asked for again. */
  attempts: number
  /** Of one that is pending. */
  nextAt?: Date | undefined
  last?: { at: Date; status?: number | undefined; error?: string | undefined; durationMs: number } | undefined
}

/** With the frozen text of its event. */
export type DeliveryDetails = Delivery & { body: string; history: PastAttempt[] }

export type DeliveryFilter = { endpointId?: string | undefined; state?: DeliveryState | undefined }

/**
 * Deliveries as people see them. What is another tenant's is not found. The audit log says who had something sent: the service itself unless `by` is
 * given. Every method throws AppError `store-unavailable` when PostgreSQL
 * is out of reach.
 */
export interface DeliveryStore {
  /** Newest event first. Throws AppError `invalid-request` for a cursor that is not ours. */
  list(tenant: string, filter: DeliveryFilter, page: { cursor?: string | undefined; limit: number }): Promise<Page<Delivery>>
  find(tenant: string, id: string): Promise<DeliveryDetails | undefined>
  /**
   * Sends it again, with the same id and the same bytes, whatever became of it before; its schedule begins anew. What
   * may still be withdrawn waits until it may not. Throws AppError `webhook-disabled` when its endpoint is.
   */
  redeliver(tenant: string, id: string, by?: AuditActor): Promise<Delivery | undefined>
  /** Makes an event `webhook.test` for this endpoint alone. Throws AppError `webhook-disabled` when it is. */
  sendTest(tenant: string, endpointId: string, by?: AuditActor): Promise<Delivery | undefined>
}
