import type { DeliveryQueue } from '../../core/infra/delivery-queue.ts'
import type { Logger } from '../../core/infra/logger.ts'
import type { Metrics } from '../../core/infra/metrics.ts'
import { every, type Task } from '../every.ts'

export type BacklogOptions = {
  queue: Pick<DeliveryQueue, 'counts' | 'giveUp'>
  /** Seconds between attempts at a delivery. */
  schedule: readonly number[]
  metrics: Pick<Metrics, 'webhookBacklog'>
  log: Logger
  everyMs?: number
}

const THREE_DAYS_SECONDS = 3 * 24 * 3600

/**
 * Tells how many deliveries wait, and how many are dead. What waits at an endpoint that is only probed, or disabled, has no attempts that could run out:
 * it is given up when those of its schedule would have been over, but never before three days.
 */
export function watchBacklog({ queue, schedule, metrics, log, everyMs = 10_000 }: BacklogOptions): Task {
  const wholeSchedule = schedule.reduce((sum, seconds) => sum + seconds, 0)
  const olderThanMs = 1000 * Math.max(wholeSchedule, THREE_DAYS_SECONDS)
  return every(everyMs, 'counting deliveries of webhooks', watch, log)

  async function watch(): Promise<void> {
    const deliveries = await queue.giveUp({ olderThanMs })
    if (deliveries > 0) log.warn({ deliveries }, 'gave up deliveries to webhooks that were disabled or failing for too long')
    for (const [state, count] of Object.entries(await queue.counts())) metrics.webhookBacklog.set({ state }, count)
  }
}
