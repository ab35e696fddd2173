import type { NextStep } from '../domain/webhook-retry.ts'

/** The channel on which new deliveries are announced. */
export const DELIVERIES_CHANNEL = 'pixwarden_deliveries'

/** A delivery in a dispatcher's hands, until its lease ends. */
export type LeasedDelivery = {
  id: string
  lease: string
  endpointId: string
  url: string
  /** As they are stored, newest first. */
  sealedSecrets: Buffer[]
  event: { id: string; body: string }
  /** Earlier ones, and the endpoint's failures in a row. */
  attempts: number
  failures: number
}

/** How an attempt went, for the record. */
export type AttemptReport = { status?: number; error?: string; response?: string; durationMs: number }

export type ClaimOptions = {
  /** In hand already: endpoint id → deliveries. */
  busy: ReadonlyMap<string, number>
  perEndpoint: number
  limit: number
  leaseMs: number
}

/**
 * Deliveries as dispatchers see them, any number of which may work at once. Every method throws AppError `store-unavailable` when PostgreSQL
 * is out of reach.
 */
export interface DeliveryQueue {
  /**
   * Takes deliveries that are due and in nobody's hands, for each endpoint oldest first, and at most as many as make `perEndpoint` in hand. Of an endpoint
   * that fails again and again only one is handed out at a time, to one of all dispatchers.
   */
  claim(options: ClaimOptions): Promise<LeasedDelivery[]>
  /** Records an attempt and what follows from it. Resolves to false, with nothing written, when the lease had ended and somebody else has the delivery. */
  record(delivery: Pick<LeasedDelivery, 'id' | 'lease'>, report: AttemptReport, next: NextStep): Promise<boolean>
  /** They are due at once for others, and nothing is counted. */
  giveBack(deliveries: Pick<LeasedDelivery, 'id' | 'lease'>[]): Promise<void>
  /** Makes dead what has been pending for so long at an endpoint that is disabled or fails. Resolves to their number. */
  giveUp(options: { olderThanMs: number }): Promise<number>
  counts(): Promise<{ pending: number; dead: number }>
}
