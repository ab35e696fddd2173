import { setTimeout as pause } from 'node:timers/promises'
import { descendantsOf } from '../support/descendants.ts'
import { sample } from '../support/service.ts'
import { waitFor } from '../support/wait-for.ts'
import { atRate } from './at-rate.ts'
import { numbered } from './pictures.ts'
import { type Part, readProcess } from './process-size.ts'
import { quantile } from './quantile.ts'
import { mean, slopePerMinute } from './slope.ts'
import { openStage, type Stage } from './stage.ts'
import { countUploads, tally } from './tally.ts'
import { none, type Outcome, type Setting, type Trial } from './trial.ts'

const WORKERS = 2
const BURST = 300
const LOAD = 0.8
const LOOK_EVERY_MS = 5000
/** Of the time, in which caches fill and heaps find their size. */
const WARM_UP = 0.3
const MOST_MB_PER_MINUTE = 1
const MORE_HANDLES = 3
/** Handles come and go with connections; a leak raises the fewest that there ever are. */
const FEWEST = 0.1

export const soak: Trial = {
  name: 'soak',
  when: 'named',
  what: 'uploads at 80 % of what the service can do, for 20 minutes unless --minutes says otherwise; the embedded model',
  run: runSoak,
}

type Look = { atMs: number; rssMb: number; handles: number }

async function runSoak({ minutes }: Setting): Promise<Outcome> {
  const photos = await Promise.all(['cat.jpg', 'coffee.jpg', 'temple.jpg', 'rocket.jpg'].map(sample))
  const stage = await openStage({ model: 'embedded', workers: WORKERS })
  const picture = (index: number) => numbered(photos[index % photos.length] as Buffer, index)
  try {
    const capacity = await measureCapacity(stage, picture)
    const perSecond = LOAD * capacity
    const looks = new Map<string, Look[]>()
    const over = new AbortController()
    const looking = lookAtAll(stage, looks, over.signal)
    const answers = await atRate(perSecond, Math.ceil(60 * minutes * perSecond), (index) =>
      stage.client.upload(picture(BURST + index)),
    )
    over.abort()
    await looking
    await allDecided(stage)

    const ids = answers.flatMap(({ id }) => (id === undefined ? [] : [id]))
    const found = await tally(stage.database, ids, stage.policies)
    const growth = [...looks].map(([part, all]) => ({ part, ...growthOf(all) }))
    return {
      goals: [
        none('uploads not accepted', answers.length - ids.length),
        none('uploads without a decision by the model', ids.length - found.decided + found.givenUp),
        ...growth.flatMap(({ part, mbPerMinute, moreHandles }) => [
          { name: `${part}: growth, MB a minute`, value: mbPerMinute, goal: MOST_MB_PER_MINUTE, direction: 'max' as const },
          { name: `${part}: growth, handles`, value: moreHandles, goal: MORE_HANDLES, direction: 'max' as const },
        ]),
      ],
      figures: {
        minutes,
        capacityPerSecond: capacity,
        perSecond,
        uploads: answers.length,
        ackMs: {
          p50: quantile(
            answers.map(({ ms }) => ms),
            0.5,
          ),
          p99: quantile(
            answers.map(({ ms }) => ms),
            0.99,
          ),
        },
        growth,
      },
      errors: stage.complaints(),
    }
  } finally {
    await stage.close()
  }
}

/** Uploads a second that come to their decision when more are there than can be judged at once. */
async function measureCapacity(stage: Stage, picture: (index: number) => Buffer): Promise<number> {
  const startedAt = performance.now()
  await atRate(BURST, BURST, (index) => stage.client.insist(picture(index), { key: `burst-${index}` }, () => {}))
  await allDecided(stage)
  return (1000 * BURST) / (performance.now() - startedAt)
}

async function allDecided(stage: Stage): Promise<void> {
  const isDone = async () => (await countUploads(stage.database)).pending === 0
  await waitFor(isDone, { timeoutMs: 120_000, what: 'every upload to be decided' })
}

async function lookAtAll(stage: Stage, looks: Map<string, Look[]>, signal: AbortSignal): Promise<void> {
  const parts: Part[] = [
    { name: 'api', pids: () => [stage.api().pid] },
    ...stage.workers.flatMap(({ pid }, index) => [
      { name: `worker ${index + 1}`, pids: () => [pid] },
      // A worker's only children, which are replaced now and then: what counts is what they take together.
      { name: `decoders of worker ${index + 1}`, pids: () => descendantsOf(pid) },
    ]),
  ]
  const startedAt = performance.now()
  while (await pause(LOOK_EVERY_MS, true, { signal }).catch(() => false))
    for (const { name, pids } of parts) {
      const all = looks.get(name) ?? []
      looks.set(name, [...all, { atMs: performance.now() - startedAt, ...readProcess(pids()) }])
    }
}

function growthOf(looks: Look[]): { mbPerMinute: number; moreHandles: number; rssMb: number; handles: number } {
  const settled = looks.slice(Math.floor(WARM_UP * looks.length))
  const half = Math.floor(settled.length / 2)
  const handles = (some: Look[]) =>
    quantile(
      some.map((look) => look.handles),
      FEWEST,
    )
  return {
    mbPerMinute: slopePerMinute(settled.map(({ atMs, rssMb }) => [atMs, rssMb])),
    moreHandles: handles(settled.slice(half)) - handles(settled.slice(0, half)),
    rssMb: mean(settled.map(({ rssMb }) => rssMb)),
    handles: handles(settled),
  }
}
