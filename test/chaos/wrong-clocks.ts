import { pathToFileURL } from 'node:url'
import { Redis } from 'ioredis'
import { waitFor } from '../support/wait-for.ts'
import { costlyPicture, numbered, photoOf100kB } from './pictures.ts'
import { openStage, type Stage } from './stage.ts'
import { countUploads, isInReview, tally } from './tally.ts'
import { atMost, none, type Outcome, type Setting, type Trial } from './trial.ts'

const HOUR_MS = 3_600_000
const UPLOADS = 20

export const wrongClocks: Trial = {
  name: 'wrong-clocks',
  when: 'short',
  what: 'the api and a worker are an hour ahead of the database, the next worker is an hour behind; a stub model',
  run: runWrongClocks,
}

async function runWrongClocks(setting: Setting): Promise<Outcome> {
  const photo = await photoOf100kB()
  const stage = await openStage({ model: 'stub', env: { ...ahead(1), PIXWARDEN_DECODE_MEMORY_MB: '200' } })
  try {
    const post = async (count: number) => {
      const answers = await Promise.all(Array.from({ length: count }, (_, index) => stage.client.upload(numbered(photo, index))))
      return answers.map(({ id = '' }) => id)
    }
    const early = await post(UPLOADS)
    const earlyMs = await msUntilDecided(stage)
    const { id: bad = '' } = await stage.client.upload(await costlyPicture())
    await failed(stage)
    const late = await post(UPLOADS)
    const swappedAt = performance.now()
    await stage.workers.shift()?.end('SIGKILL')
    await stage.startWorker(ahead(-1))
    await msUntilDecided(stage)
    const lateMs = performance.now() - swappedAt
    const found = await tally(stage.database, [...early, ...late], stage.policies)
    return {
      goals: [
        atMost('uploads are decided within, s', earlyMs / 1000, 10, setting),
        atMost('what a killed worker held or had failed at, within, s', lateMs / 1000, 20, setting),
        none('uploads without a decision by the model', 2 * UPLOADS - found.decided + found.givenUp),
        none('the file that kills its decoder is not in review', (await isInReview(stage.database, bad)) ? 0 : 1),
      ],
      figures: { mostExecutions: found.mostExecutions },
      errors: stage.complaints(),
    }
  } finally {
    await stage.close()
  }
}

function ahead(hours: number): Record<string, string> {
  const shift = pathToFileURL(`${import.meta.dirname}/shift-clock.js`).href
  return { NODE_OPTIONS: `--import=${shift}`, CLOCK_SHIFT_MS: String(hours * HOUR_MS) }
}

async function msUntilDecided(stage: Stage): Promise<number> {
  const startedAt = performance.now()
  await waitFor(async () => (await countUploads(stage.database)).pending === 0, {
    timeoutMs: 120_000,
    what: 'every upload to be decided',
  }).catch(() => {})
  return performance.now() - startedAt
}

/** Until a worker has failed at a job, and lets it pause by its own clock. */
async function failed(stage: Stage): Promise<void> {
  const client = new Redis(stage.redis().url)
  await waitFor(async () => (await client.zcard('{moderation}:uploads:delayed')) > 0, { timeoutMs: 60_000, what: 'a failure' })
  await client.quit()
}
