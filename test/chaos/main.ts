import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { isMet, machine, printReport, type Ratio } from '../bench/report.ts'
import { descendantsOf } from '../support/descendants.ts'
import { killProcess } from '../support/kill-process.ts'
import { startThrowawayPostgres } from '../support/throwaway-postgres.ts'
import { drip } from './drip.ts'
import { embeddedFlood } from './embedded-flood.ts'
import { feed } from './feed.ts'
import { flood } from './flood.ts'
import { killedWorker } from './killed-worker.ts'
import { poison } from './poison.ts'
import { redisOutage } from './redis-outage.ts'
import { soak } from './soak.ts'
import { none, type Outcome, type Trial } from './trial.ts'
import { webhooks } from './webhooks.ts'
import { wrongClocks } from './wrong-clocks.ts'

const TRIALS: Trial[] = [flood, embeddedFlood, killedWorker, poison, redisOutage, webhooks, feed, drip, wrongClocks, soak]

/** Short runs are to be over soon, and their goals in time are wide enough for two trials at once. */
const SHORT_LANES = 2

const { values } = parseArgs({
  options: {
    trial: { type: 'string', multiple: true },
    short: { type: 'boolean', default: false },
    uploads: { type: 'string' },
    minutes: { type: 'string', default: '20' },
    json: { type: 'string' },
  },
})
const uploads = values.uploads === undefined ? undefined : positive('uploads', values.uploads)
const minutes = positive('minutes', values.minutes)
const chosen = values.trial?.map(find) ?? TRIALS.filter(({ when }) => when === 'short' || (when === 'full' && !values.short))

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, leave)
const postgres = await startThrowawayPostgres({ durable: true })
process.env.TEST_DATABASE_URL = postgres.url
const ratios: Ratio[] = []
const figures: Record<string, unknown> = {}
for (const trial of chosen.filter(({ alone }) => alone)) await run(trial)
const others = chosen.filter(({ alone }) => !alone)
await Promise.all(Array.from({ length: values.short ? SHORT_LANES : 1 }, runOthers))
await postgres.stop()

const report = { machine: machine(), ratios, figures }
printReport(report)
if (values.json) await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`)
const missed = ratios.filter((ratio) => !isMet(ratio))
console.log(`\n${missed.length} of ${ratios.length} goals were missed`)
endOthers()
process.exit(missed.length === 0 ? 0 : 1)

async function runOthers(): Promise<void> {
  for (let trial = others.shift(); trial; trial = others.shift()) await run(trial)
}

async function run({ name, what, run }: Trial): Promise<void> {
  console.log(`${name}: ${what}`)
  const startedAt = performance.now()
  const outcome = await run({ short: values.short, uploads, minutes, postgres }).catch(brokenOff)
  ratios.push(...outcome.goals.map((goal) => ({ ...goal, name: `${name}: ${goal.name}` })))
  figures[name] = { ...outcome.figures, tookS: (performance.now() - startedAt) / 1000 }
  const missed = outcome.goals.filter((goal) => !isMet(goal))
  for (const { name: goal, value } of missed) console.log(`  ${name} MISSED ${goal}: ${value}`)
  if (missed.length > 0) for (const error of outcome.errors) console.log(`  ${name} logged ${error}`)
}

function brokenOff(error: Error): Outcome {
  return { goals: [none('the trial broke off', 1)], figures: {}, errors: [error.stack ?? error.message] }
}

/** What it wrote is removed by the next run. */
function leave(): void {
  endOthers()
  process.exit(130)
}

/** Everything that runs was started by this process. */
function endOthers(): void {
  for (const pid of descendantsOf(process.pid)) killProcess(pid)
}

function find(name: string): Trial {
  const trial = TRIALS.find((each) => each.name === name)
  if (!trial) throw new Error(`there is no trial ${name}: one of ${TRIALS.map((each) => each.name).join(', ')}`)
  return trial
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new Error(`--${name} needs a number above 0`)
  return value
}
