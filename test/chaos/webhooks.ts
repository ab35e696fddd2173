import { setTimeout as pause } from 'node:timers/promises'
import { hang, type Received, startReceiver, status, verified } from '../support/receiver.ts'
import { waitFor } from '../support/wait-for.ts'
import { atRate } from './at-rate.ts'
import { killWorkers } from './faults.ts'
import { numbered, photoOf100kB } from './pictures.ts'
import { openStage, type Stage } from './stage.ts'
import { none, type Outcome, type Setting, type Trial } from './trial.ts'

const FAILING = 0.3
const HANGING = 0.05
const WORKERS = 2
/** A table of pauses that a trial can wait for, and longer, for with these odds a dozen failures in a row do happen. */
const RETRY_SECONDS = Array.from({ length: 30 }, () => 0.5).join()
const TIMEOUT_MS = 1000
/** What was signed before the rotation has arrived by then, or never will. */
const CHANGE_OVER_MS = 5000
const DELIVERED_WITHIN_MS = 180_000

type Plan = { events: number; perSecond: number; kills: number }
const FULL: Plan = { events: 1000, perSecond: 25, kills: 3 }
const SHORT: Plan = { events: 60, perSecond: 15, kills: 1 }

export const webhooks: Trial = {
  name: 'webhooks',
  when: 'short',
  what: `a receiver fails ${100 * FAILING} % and hangs ${100 * HANGING} %, dispatchers are killed, the secret is rotated; a stub model, retries after 0.5 s`,
  run: (setting) => runWebhooks(setting.short ? SHORT : FULL, setting),
}

async function runWebhooks(plan: Plan, setting: Setting): Promise<Outcome> {
  const events = setting.uploads ?? plan.events
  const photo = await photoOf100kB()
  const receiver = await startReceiver()
  const stage = await openStage({
    model: 'stub',
    workers: WORKERS,
    env: {
      PIXWARDEN_OUTBOUND_ALLOW: '127.0.0.1',
      PIXWARDEN_OUTBOUND_PORTS: String(receiver.port),
      PIXWARDEN_WEBHOOK_RETRY_SECONDS: RETRY_SECONDS,
      PIXWARDEN_WEBHOOK_TIMEOUT_MS: String(TIMEOUT_MS),
    },
  })
  try {
    const { id, secret: first } = await stage.client.post<{ id: string; secret: string }>('/v1/webhooks', {
      url: receiver.url,
      event_types: ['upload.decided'],
    })
    const ledger = createLedger(first)
    receiver.become((response, message) => {
      const fate = Math.random()
      const taken = fate >= FAILING + HANGING
      ledger.note(message, taken)
      if (taken) return status(204)(response, message, 0)
      if (fate < FAILING) return status(500)(response, message, 0)
      return hang(response, message, 0)
    })
    const floodMs = (1000 * events) / plan.perSecond
    const over = new AbortController()
    const killing = killWorkers(stage, floodMs / (plan.kills + 1), over.signal)
    const rotating = pause(floodMs / 2).then(async () => {
      const { secret } = await stage.client.post<{ secret: string }>(`/v1/webhooks/${id}/rotate-secret`, {
        overlap_seconds: 3600,
      })
      ledger.rotate(secret)
    })
    await atRate(plan.perSecond, events, (index) =>
      stage.client.insist(numbered(photo, index), { key: `event-${index}` }, () => {}),
    )
    over.abort()
    const kills = await killing
    await rotating
    const endedAt = performance.now()
    await waitFor(async () => (await countDelivered(stage)) === events, {
      timeoutMs: DELIVERED_WITHIN_MS,
      what: 'every delivery',
    }).catch(() => {})
    const delivered = await countDelivered(stage)
    const counts = ledger.counts()
    return {
      goals: [
        none('events not delivered', events - delivered),
        none('events that the receiver never took', events - counts.taken),
        none('events that came in different bytes', counts.changed),
        none('messages that do not verify', counts.unverified),
        none('messages that do not verify with the new secret', counts.notByNew),
      ],
      figures: {
        events,
        messages: counts.messages,
        takenTwice: counts.takenTwice,
        messagesByNewSecret: counts.byNew,
        kills: { worker: kills },
        deliveredAfterTheLastUploadS: (performance.now() - endedAt) / 1000,
      },
      errors: stage.complaints(),
    }
  } finally {
    await receiver.close()
    await stage.close()
  }
}

/** What the receiver sees, checked with the official library as it comes. */
function createLedger(first: string) {
  const bodies = new Map<string, string>()
  const taken = new Map<string, number>()
  const counts = { messages: 0, changed: 0, unverified: 0, byNew: 0, notByNew: 0 }
  let rotated: { secret: string; atMs: number } | undefined

  return {
    note(message: Received, isTaken: boolean): void {
      counts.messages++
      if (isTaken) taken.set(message.id, (taken.get(message.id) ?? 0) + 1)
      if ((bodies.get(message.id) ?? message.body) !== message.body) counts.changed++
      bodies.set(message.id, message.body)
      // During the overlap messages are signed with either secret.
      if (!verifies(message, first)) counts.unverified++
      if (!rotated) return
      if (verifies(message, rotated.secret)) counts.byNew++
      else if (message.at - rotated.atMs > CHANGE_OVER_MS) counts.notByNew++
    },
    rotate(secret: string): void {
      rotated = { secret, atMs: performance.now() }
    },
    counts: () => ({ ...counts, taken: taken.size, takenTwice: [...taken.values()].filter((times) => times > 1).length }),
  }
}

function verifies(message: Received, secret: string): boolean {
  try {
    verified(message, secret)
    return true
  } catch {
    return false
  }
}

async function countDelivered({ database }: Stage): Promise<number> {
  const { rows } = await database.query(`SELECT count(*)::int AS count FROM pixwarden.deliveries WHERE state = 'delivered'`)
  return (rows[0] as { count: number }).count
}
