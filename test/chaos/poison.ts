import { waitFor } from '../support/wait-for.ts'
import { costlyPicture, numbered, photoOf100kB } from './pictures.ts'
import { openStage, type Stage } from './stage.ts'
import { attemptsOf, countUploads, isInReview, tally } from './tally.ts'
import { none, type Outcome, type Trial } from './trial.ts'

const INNOCENTS = 7
const MOST_TRIES = 3
const DECIDED_WITHIN_MS = 120_000

export const poison: Trial = {
  name: 'poison',
  when: 'short',
  what: `a file that kills its decoder, and one that kills its worker, each with ${INNOCENTS} innocent ones; a stub model`,
  async run({ short }) {
    const decoder = await runPoison('decoder', { PIXWARDEN_DECODE_MEMORY_MB: '200' }, waitForTries)
    if (short) return decoder
    const worker = await runPoison(
      'worker',
      { PIXWARDEN_DECODE_MEMORY_MB: '4000', PIXWARDEN_DECODE_CPU_MS: '60000' },
      killWhoTries,
    )
    return {
      goals: [...decoder.goals, ...worker.goals],
      figures: { ...decoder.figures, ...worker.figures },
      errors: [...decoder.errors, ...worker.errors],
    }
  },
}

/** `die` sees to it that every attempt at the upload with this id fails, and resolves to how many there were. */
async function runPoison(
  victim: string,
  env: Record<string, string>,
  die: (stage: Stage, id: string) => Promise<number>,
): Promise<Outcome> {
  const photo = await photoOf100kB()
  const costly = await costlyPicture()
  const stage = await openStage({ model: 'stub', env })
  try {
    const files = [costly, ...Array.from({ length: INNOCENTS }, (_, index) => numbered(photo, index))]
    const answers = await Promise.all(files.map((file) => stage.client.upload(file)))
    const [bad = '', ...good] = answers.map(({ id = '' }) => id)
    const tries = await die(stage, bad)
    const innocents = await tally(stage.database, good, stage.policies)
    return {
      goals: [
        none(`${victim}: innocents without a decision by the model`, INNOCENTS - innocents.decided + innocents.givenUp),
        none(`${victim}: the file is not in review`, (await isInReview(stage.database, bad)) ? 0 : 1),
        { name: `${victim}: tries of the file`, value: tries, goal: MOST_TRIES, direction: 'max' },
      ],
      figures: { [victim]: { triesOfInnocents: innocents.mostExecutions } },
      errors: stage.complaints(),
    }
  } finally {
    await stage.close()
  }
}

async function waitForTries(stage: Stage, id: string): Promise<number> {
  await waitFor(() => isSettled(stage), { timeoutMs: DECIDED_WITHIN_MS, what: 'every upload to be decided' }).catch(() => {})
  return attemptsOf(stage.database, id)
}

/** What a crash of the model's native code would do. The attempt that finds that there were enough of them is let be. */
async function killWhoTries(stage: Stage, id: string): Promise<number> {
  let tries = 0
  while (tries < MOST_TRIES) {
    await waitFor(async () => (await attemptsOf(stage.database, id)) > tries, {
      timeoutMs: DECIDED_WITHIN_MS,
      what: 'the next try',
    })
    tries++
    await stage.workers.shift()?.end('SIGKILL')
    await stage.startWorker()
  }
  const counted = await waitForTries(stage, id)
  return counted > MOST_TRIES + 1 ? counted : tries
}

async function isSettled(stage: Stage): Promise<boolean> {
  return (await countUploads(stage.database)).pending === 0
}
