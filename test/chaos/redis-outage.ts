import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { waitFor } from '../support/wait-for.ts'
import { atRate } from './at-rate.ts'
import type { Answer } from './client.ts'
import { countAnswers } from './count-answers.ts'
import { numbered, photoOf100kB } from './pictures.ts'
import { quantile } from './quantile.ts'
import type { ErrorLine } from './service-process.ts'
import { openStage, type Stage } from './stage.ts'
import { countUploads, tally } from './tally.ts'
import { atMost, none, type Outcome, type Setting, type Trial } from './trial.ts'

const PER_SECOND = 10
const DOWN_S = 30
const SHORT_DOWN_S = 4
/** Around the outage, so that also its edges are seen. */
const BEFORE_MS = 1000

type Trouble = { name: string; begin(stage: Stage): Promise<void>; end(stage: Stage): Promise<void> }

const DOWN: Trouble = {
  name: 'down',
  begin: (stage) => stage.redis().kill(),
  end: (stage) => stage.restartRedis(),
}

const FULL: Trouble = {
  name: 'full',
  begin: (stage) => setMaxMemory(stage, '1mb'),
  end: (stage) => setMaxMemory(stage, '0'),
}

export const redisOutage: Trial = {
  name: 'redis-outage',
  when: 'short',
  what: `Redis is down, then full, while ${PER_SECOND} uploads come in each second; a stub model`,
  async run(setting) {
    const stage = await openStage({ model: 'stub' })
    try {
      const down = await runTrouble(DOWN, stage, setting)
      const full = await runTrouble(FULL, stage, setting)
      return {
        goals: [...down.goals, ...full.goals],
        figures: { ...down.figures, ...full.figures },
        errors: stage.complaints(),
      }
    } finally {
      await stage.close()
    }
  },
}

async function runTrouble({ name, begin, end }: Trouble, stage: Stage, setting: Setting): Promise<Omit<Outcome, 'errors'>> {
  const seconds = setting.short ? SHORT_DOWN_S : DOWN_S
  const photo = await photoOf100kB()
  await stage.ready()
  const since = stage.errors.length
  const uploads = atRate(PER_SECOND, PER_SECOND * seconds, (index) => stage.client.upload(numbered(photo, index)))
  await pause(BEFORE_MS)
  await begin(stage)
  const answers = await uploads
  const left = (await countUploads(stage.database)).pending
  const relievedAt = performance.now()
  await end(stage)
  await waitFor(async () => (await countUploads(stage.database)).pending === 0, {
    timeoutMs: 120_000,
    what: 'every upload to be decided',
  }).catch(() => {})
  const drainedMs = performance.now() - relievedAt

  const ids = answers.flatMap(({ id }) => (id === undefined ? [] : [id]))
  const found = await tally(stage.database, ids, stage.policies)
  const lines = busiestSecond(stage.errors.slice(since))
  return {
    goals: [
      none(
        `${name}: answers that are neither 202 nor 503`,
        answers.filter(({ status }) => status !== 202 && status !== 503).length,
      ),
      atMost(`${name}: slowest answer, ms`, Math.max(...answers.map(({ ms }) => ms)), 250, setting),
      { name: `${name}: error lines of a process in its busiest second`, value: lines, goal: 10, direction: 'max' },
      none(`${name}: uploads answered 202 and lost`, ids.length - found.decided),
      atMost(`${name}: drained after relief, s`, drainedMs / 1000, 15, setting),
    ],
    figures: {
      [name]: {
        seconds,
        answers: countAnswers(answers),
        answerMs: quantiles(answers),
        waiting: left,
        executions: found.executions,
      },
    },
  }
}

function quantiles(answers: Answer[]): Record<string, number> {
  const ms = answers.map((answer) => answer.ms)
  return { p50: quantile(ms, 0.5), p99: quantile(ms, 0.99), max: Math.max(...ms) }
}

/** The most lines that one process logged as errors within a second. */
function busiestSecond(lines: ErrorLine[]): number {
  const counts = lines.map(
    ({ pid, atMs }) => lines.filter((line) => line.pid === pid && line.atMs >= atMs && line.atMs < atMs + 1000).length,
  )
  return Math.max(0, ...counts)
}

async function setMaxMemory(stage: Stage, bytes: string): Promise<void> {
  const client = new Redis(stage.redis().url)
  await client.config('SET', 'maxmemory', bytes)
  await client.quit()
}
