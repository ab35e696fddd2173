import { setTimeout as pause } from 'node:timers/promises'
import type { Dispatcher as HttpDispatcher } from 'undici'
import { afterAttempt, type NextStep, PROBING_FROM_FAILURES } from '../../core/domain/webhook-retry.ts'
import { listenOnChannel } from '../../core/infra/channel-listener.ts'
import {
  type AttemptReport,
  DELIVERIES_CHANNEL,
  type DeliveryQueue,
  type LeasedDelivery,
} from '../../core/infra/delivery-queue.ts'
import type { Logger } from '../../core/infra/logger.ts'
import type { Metrics } from '../../core/infra/metrics.ts'
import { rateLimitedLog } from '../../core/infra/rate-limited-log.ts'
import type { SecretBox } from '../../core/infra/secret-box.ts'
import { createAlarm } from '../alarm.ts'
import type { Task } from '../every.ts'
import { createPlaces } from './places.ts'
import { type Attempt, sendWebhook } from './send-webhook.ts'

export type DispatcherOptions = {
  queue: Pick<DeliveryQueue, 'claim' | 'record' | 'giveBack'>
  /** Where new deliveries are announced. */
  databaseUrl: string
  secrets: Pick<SecretBox, 'open'>
  /** Guarded. */
  outbound: HttpDispatcher
  /** Seconds between attempts. */
  schedule: readonly number[]
  timeoutMs: number
  metrics: Pick<Metrics, 'webhookDeliveries'>
  log: Logger
}

/** Of one endpoint, at once. An endpoint that is slow or dead holds so many places and no more. */
const PER_ENDPOINT = 8
const CLAIM_AT_ONCE = 100
/** More than any number of slow endpoints will take up before they are only probed. */
const MOST_IN_HAND = 1000
/** What nobody announced, or was due later, is found by looking. */
const LOOK_EVERY_MS = 1000
/** After looking in vain: while decisions come fast, each is announced to every dispatcher. */
const REST_MS = 25
const STOP_WITHIN_MS = 2000

/**
 * Sends deliveries as they become due, beside any number of other dispatchers. A lease outlasts an attempt, so that nobody else sends the same delivery
 * meanwhile, and ends by itself when its dispatcher dies. `stop` lets attempts end, and gives back what does not end soon.
 */
export function startDispatcher(options: DispatcherOptions): Task {
  const { queue, timeoutMs, log } = options
  const leaseMs = 1.5 * timeoutMs + 1000
  const inHand = new Map<string, { delivery: LeasedDelivery; done: Promise<void>; abort: () => void }>()
  const places = createPlaces(PER_ENDPOINT)
  const alarm = createAlarm()
  const logTrouble = rateLimitedLog(log)
  let stopped = false

  const listener = listenOnChannel({
    url: options.databaseUrl,
    channel: DELIVERIES_CHANNEL,
    onMessage: alarm.ring,
    onConnect: alarm.ring,
    log,
  })
  const running = run()

  async function run(): Promise<void> {
    while (!stopped) {
      const claimed = await claim().catch((error: unknown) => {
        logTrouble(error, 'deliveries of webhooks cannot be claimed')
        return 0
      })
      if (claimed === 0) await pause(REST_MS)
      if (!stopped) await alarm.sleep(LOOK_EVERY_MS)
    }
  }

  async function claim(): Promise<number> {
    const limit = Math.min(CLAIM_AT_ONCE, MOST_IN_HAND - inHand.size)
    if (limit <= 0) return 0
    const leaseEnds = performance.now() + leaseMs
    const busy = new Map(places.taken)
    const claimed = await queue.claim({ busy, perEndpoint: PER_ENDPOINT, limit, leaseMs })
    if (stopped) {
      await queue.giveBack(claimed)
      return 0
    }
    places.take(
      claimed.map(({ endpointId }) => endpointId),
      busy,
    )
    for (const delivery of claimed) begin(delivery, leaseEnds)
    if (claimed.length === limit) alarm.ring()
    return claimed.length
  }

  function begin(delivery: LeasedDelivery, leaseEnds: number): void {
    const { id, endpointId, failures } = delivery
    const ending = new AbortController()
    const done = deliver(delivery, leaseEnds, { ...options, signal: ending.signal })
      .then(lookAgainAfter, (error: unknown) => {
        if (!stopped) logTrouble(error, 'an attempt at a delivery is not recorded: it will be made again')
      })
      .finally(() => {
        inHand.delete(id)
        const more = places.free(endpointId)
        if (more || failures >= PROBING_FROM_FAILURES || inHand.size === MOST_IN_HAND - 1) alarm.ring()
      })
    inHand.set(id, { delivery, done, abort: () => ending.abort() })
  }

  function lookAgainAfter(next: NextStep): void {
    for (const ms of next.kind === 'retry' ? [next.pauseMs, next.endpointPauseMs] : [])
      if (ms < LOOK_EVERY_MS) setTimeout(alarm.ring, ms)
  }

  return {
    async stop() {
      stopped = true
      alarm.ring()
      await Promise.all([listener.close(), running])
      const attempts = [...inHand.values()]
      await Promise.race([Promise.all(attempts.map(({ done }) => done)), pause(STOP_WITHIN_MS)])
      const unfinished = [...inHand.values()]
      for (const { abort } of unfinished) abort()
      await Promise.all(unfinished.map(({ done }) => done))
      await queue.giveBack(unfinished.map(({ delivery }) => delivery))
    },
  }
}

type Delivering = Omit<DispatcherOptions, 'databaseUrl'> & { signal: AbortSignal }

/** Makes an attempt and records it. Rejects when it was aborted, or cannot be recorded. */
async function deliver(delivery: LeasedDelivery, leaseEnds: number, options: Delivering): Promise<NextStep> {
  const { queue, schedule, metrics } = options
  const log = options.log.child({ webhookId: delivery.endpointId, deliveryId: delivery.id, eventId: delivery.event.id })
  const attempt = await send(delivery, { ...options, timeoutMs: Math.min(options.timeoutMs, leaseEnds - performance.now()), log })
  const next = afterAttempt(attempt, delivery, schedule, Math.random())
  if (!(await queue.record(delivery, attempt, next))) {
    log.info('an attempt took longer than its lease')
    return next
  }
  metrics.webhookDeliveries.inc({ outcome: next.kind })
  report(next, attempt, log)
  return next
}

async function send(delivery: LeasedDelivery, options: Delivering): Promise<Attempt> {
  const { url, event, sealedSecrets, endpointId } = delivery
  let secrets: Buffer[]
  try {
    secrets = sealedSecrets.map((sealed) => options.secrets.open(sealed, endpointId))
  } catch (error) {
    options.log.error({ err: error }, 'a webhook cannot be signed')
    return { error: 'the webhook’s secret cannot be read', durationMs: 0 }
  }
  return sendWebhook({ url, id: event.id, body: event.body, secrets }, options)
}

function report(next: NextStep, { status, error, durationMs }: AttemptReport, log: Logger): void {
  const facts = { status, error, durationMs: Math.round(durationMs) }
  if (next.kind === 'delivered') log.debug(facts, 'webhook delivered')
  else if (next.kind === 'retry') log.info({ ...facts, pauseMs: next.pauseMs }, 'a delivery failed, and will be tried again')
  else if (next.kind === 'dead') log.warn(facts, 'a delivery failed for good: it can be asked for again')
  else log.warn(facts, 'a webhook answered that it is gone, and is disabled')
}
