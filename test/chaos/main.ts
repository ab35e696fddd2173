import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { isMet, machine, printReport, type Ratio } from '../bench/report.ts'
import { descendantsOf } from '../support/descendants.ts'
import { startThrowawayPostgres } from '../support/throwaway-postgres.ts'
import { drip } from './drip.ts'
import { embeddedFlood } from './embedded-flood.ts'
import { flood } from './flood.ts'
import { killedWorker } from './killed-worker.ts'
import { poison } from './poison.ts'
import { redisOutage } from './redis-outage.ts'
import { soak } from './soak.ts'
import type { Trial } from './trial.ts'
import { webhooks } from './webhooks.ts'
import { wrongClocks } from './wrong-clocks.ts'

const TRIALS: Trial[] = [flood, embeddedFlood, killedWorker, poison, redisOutage, webhooks, drip, wrongClocks, soak]

const { values } = parseArgs({
  options: {
    trial: { type: 'string', multiple: true },
    short: { type: 'boolean', default: false },
    uploads: { type: 'string' },
    minutes: { type: 'string', default: '20' },
    json: { type: 'string' },
  },
})
const chosen = values.trial
  ? values.trial.map(find)
  : TRIALS.filter(({ when }) => when === 'short' || (when === 'full' && !values.short))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, leaveNothing)
const postgres = await startThrowawayPostgres({ durable: true })
process.env.TEST_DATABASE_URL = postgres.url
const ratios: Ratio[] = []
const figures: Record<string, unknown> = {}
try {
  for (const trial of chosen) await run(trial)
} finally {
  await postgres.stop()
}
const report = { machine: machine(), ratios, figures }
printReport(report)
if (values.json) await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`)
const missed = ratios.filter((ratio) => !isMet(ratio))
console.log(
  missed.length === 0 ? `\nall ${ratios.length} goals were met` : `\n${missed.length} of ${ratios.length} goals were missed`,
)
process.exitCode = missed.length === 0 ? 0 : 1

async function run({ name, what, run }: Trial): Promise<void> {
  console.log(`${name}: ${what}`)
  const startedAt = performance.now()
  const outcome = await run({
    short: values.short,
    uploads: values.uploads === undefined ? undefined : Number(values.uploads),
    minutes: Number(values.minutes),
    postgres,
  })
  ratios.push(...outcome.goals.map((goal) => ({ ...goal, name: `${name}: ${goal.name}` })))
  figures[name] = { ...outcome.figures, tookS: (performance.now() - startedAt) / 1000 }
  const missed = outcome.goals.filter((goal) => !isMet(goal))
  for (const { name: goal, value } of missed) console.log(`  MISSED ${goal}: ${value}`)
  if (missed.length > 0) for (const error of outcome.errors) console.log(`  logged ${error}`)
}

/** Everything was started by this process; what it wrote is removed by the next run. */
function leaveNothing(): void {
  for (const pid of descendantsOf(process.pid)) process.kill(pid, 'SIGKILL')
  process.exit(130)
}

function find(name: string): Trial {
  const trial = TRIALS.find((each) => each.name === name)
  if (!trial) throw new Error(`there is no trial ${name}: one of ${TRIALS.map((each) => each.name).join(', ')}`)
  return trial
}
