import { numbered, photoOf100kB } from './pictures.ts'
import { type Plan, runFlood } from './run-flood.ts'
import type { Trial } from './trial.ts'

const FULL: Plan = {
  uploads: 10_000,
  perSecond: 40,
  killWorkerEveryMs: 2000,
  redisKills: [0.1, 0.25, 0.4, 0.65, 0.9],
  postgresKill: 0.5,
  apiStop: 0.75,
  mostExecutions: 1.05,
  ackP99Ms: 150,
}
/** A kill costs what the worker has in hand: more of so few uploads. */
const SHORT: Plan = {
  ...FULL,
  uploads: 150,
  perSecond: 15,
  killWorkerEveryMs: 3000,
  redisKills: [0.1],
  postgresKill: 0.4,
  apiStop: 0.8,
  mostExecutions: 1.5,
}

export const flood: Trial = {
  name: 'flood',
  when: 'short',
  what: 'uploads keep coming while workers, Redis, PostgreSQL and the api are killed; a stub model, for this is about the plumbing',
  alone: true,
  async run(setting) {
    const plan = setting.short ? SHORT : FULL
    const photo = await photoOf100kB()
    return runFlood(
      {
        plan: { ...plan, uploads: setting.uploads ?? plan.uploads },
        model: 'stub',
        picture: (index) => ({ bytes: numbered(photo, index) }),
      },
      setting,
    )
  },
}
