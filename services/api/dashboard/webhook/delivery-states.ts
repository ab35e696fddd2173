import type { DeliveryState } from '../../../core/infra/delivery-store.ts'

export type { DeliveryState }

/** As a filter offers them. */
export const DELIVERY_STATES: readonly DeliveryState[] = ['pending', 'delivered', 'dead']
