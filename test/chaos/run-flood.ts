import { waitFor } from '../support/wait-for.ts'
import { atRate } from './at-rate.ts'
import type { Answer } from './client.ts'
import { countAnswers } from './count-answers.ts'
import { killServers, killWorkers, type ServerFaults } from './faults.ts'
import { createOutages } from './outages.ts'
import { quantile } from './quantile.ts'
import { openStage, type Stage } from './stage.ts'
import { countUploads, tally } from './tally.ts'
import { atMost, none, type Outcome, type Setting } from './trial.ts'

const WORKERS = 2
const DECIDED_WITHIN_MS = 300_000

/** How much is asked of the service, what is killed when, and what may come of that. */
export type Plan = ServerFaults & {
  uploads: number
  perSecond: number
  killWorkerEveryMs: number
  /** For each upload. */
  mostExecutions: number
  /** None where the model leaves the machine no time for more. */
  ackP99Ms?: number
}

export type Flood = {
  plan: Plan
  model: 'stub' | 'embedded'
  /** The image of upload `index`, and what is known of it. */
  picture(index: number): { bytes: Buffer; externalId?: string }
  /** Asked of the stage when all is decided. */
  more?(stage: Stage): Promise<Pick<Outcome, 'goals' | 'figures'>>
}

/** Uploads at a steady rate while the plan's processes are killed, repeats with the same key whatever is not answered 202, and counts what became of all. */
export async function runFlood({ plan, model, picture, more }: Flood, setting: Setting): Promise<Outcome> {
  const stage = await openStage({ model, workers: WORKERS })
  try {
    const outages = createOutages()
    const answers: Answer[] = []
    const over = new AbortController()
    const beganAt = performance.now()
    const faults = Promise.all([
      killWorkers(stage, plan.killWorkerEveryMs, over.signal),
      killServers(plan, (1000 * plan.uploads) / plan.perSecond, { stage, postgres: setting.postgres, outages }),
    ])
    const ids = await atRate(plan.perSecond, plan.uploads, (index) => {
      const { bytes, externalId } = picture(index)
      return stage.client.insist(bytes, { key: `flood-${index}`, externalId }, (answer) => answers.push(answer))
    })
    const acceptedMs = performance.now() - beganAt
    over.abort()
    const [workerKills] = await faults
    const lastFaultAt = performance.now()
    const { pending } = await countUploads(stage.database)
    await waitFor(async () => (await countUploads(stage.database)).pending === 0, {
      timeoutMs: DECIDED_WITHIN_MS,
      what: 'every upload to be decided',
    }).catch(() => {})
    const drainedMs = performance.now() - lastFaultAt

    const { all } = await countUploads(stage.database)
    const found = await tally(stage.database, ids, stage.policies)
    const ackMs = answers
      .filter(({ id, startedAtMs, ms }) => id !== undefined && !outages.overlap(startedAtMs, startedAtMs + ms))
      .map(({ ms }) => ms)
    const added = await more?.(stage)
    return {
      goals: [
        none('uploads answered 202 and lost', plan.uploads - found.decided),
        none('uploads there twice', all - new Set(ids).size),
        none('uploads without exactly one decision of each policy', found.wrongDecisions),
        none('uploads without exactly one event', found.wrongEvents),
        none('uploads given up, though nothing is wrong with them', found.givenUp),
        { name: 'executions ÷ uploads', value: found.executions / plan.uploads, goal: plan.mostExecutions, direction: 'max' },
        atMost('drained after the last fault, s', drainedMs / 1000, 60, setting),
        ...(plan.ackP99Ms === undefined
          ? []
          : [atMost('ack p99 outside outages, ms', quantile(ackMs, 0.99), plan.ackP99Ms, setting)]),
        ...(added?.goals ?? []),
      ],
      figures: {
        uploads: plan.uploads,
        perSecond: plan.perSecond,
        acceptedS: acceptedMs / 1000,
        answers: countAnswers(answers),
        kills: { worker: workerKills, redis: plan.redisKills.length, postgres: 1, apiStopped: 1 },
        outages: outages.seconds(),
        pendingAtLastFault: pending,
        ackMs: { p50: quantile(ackMs, 0.5), p99: quantile(ackMs, 0.99), max: Math.max(...ackMs), of: ackMs.length },
        mostExecutions: found.mostExecutions,
        givenUpFor: found.givenUpFor ?? [],
        ...added?.figures,
      },
      errors: stage.complaints(),
    }
  } finally {
    await stage.close()
  }
}
