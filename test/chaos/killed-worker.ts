import { descendantsOf } from '../support/descendants.ts'
import { killProcess } from '../support/kill-process.ts'
import { waitFor } from '../support/wait-for.ts'
import { photoOf100kB } from './pictures.ts'
import { openStage, type Stage } from './stage.ts'
import { attemptsOf, tally } from './tally.ts'
import { atMost, none, type Outcome, type Setting, type Trial } from './trial.ts'

const ROUNDS = 5

export const killedWorker: Trial = {
  name: 'killed-worker',
  when: 'full',
  what: 'a worker is killed with a job in its hands, on either queue; a stub model',
  async run(setting) {
    const onRedis = await killHolding('redis', setting)
    const onPostgres = await killHolding('postgres', setting)
    return {
      goals: [...onRedis.goals, ...onPostgres.goals],
      figures: { ...onRedis.figures, ...onPostgres.figures },
      errors: [...onRedis.errors, ...onPostgres.errors],
    }
  },
}

async function killHolding(queue: 'redis' | 'postgres', setting: Setting): Promise<Outcome> {
  const stage = await openStage({ model: 'stub', queue })
  try {
    const times: number[] = []
    const ids: string[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const { id, ms } = await killOnce(stage)
      ids.push(id)
      times.push(ms)
      await waitFor(async () => (await tally(stage.database, ids, stage.policies)).decided === ids.length, {
        timeoutMs: 30_000,
        what: 'the decision',
      })
    }
    const found = await tally(stage.database, ids, stage.policies)
    return {
      goals: [
        atMost(`${queue}: another worker starts the job after, s`, Math.max(...times) / 1000, 10, setting),
        none(`${queue}: uploads without a decision by the model`, ids.length - found.decided + found.givenUp),
      ],
      figures: { [queue]: { startedAfterMs: times } },
      errors: stage.complaints(),
    }
  } finally {
    await stage.close()
  }
}

/** Stops the decoders of the only worker, so that the job it takes stays in its hands, then starts a second one and kills the first. */
async function killOnce(stage: Stage): Promise<{ id: string; ms: number }> {
  const [first] = stage.workers
  if (!first) throw new Error('there is no worker')
  const decoders = descendantsOf(first.pid)
  for (const pid of decoders) killProcess(pid, 'SIGSTOP')
  const { id = '' } = await stage.client.upload(await photoOf100kB())
  const attempts = () => attemptsOf(stage.database, id)
  await waitFor(async () => (await attempts()) === 1, { what: 'the worker to take the job' })
  await stage.startWorker()
  const killedAt = performance.now()
  await first.end('SIGKILL')
  for (const pid of decoders) killProcess(pid)
  stage.workers.shift()
  await waitFor(async () => (await attempts()) === 2, { timeoutMs: 60_000, what: 'another worker to start the job' })
  return { id, ms: performance.now() - killedAt }
}
