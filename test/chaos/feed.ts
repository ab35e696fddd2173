import { writeEvents } from '../support/feed.ts'
import { createFeedCrowd, type FeedCrowd } from '../support/feed-crowd.ts'
import { writeOutOfOrder } from '../support/feed-writers.ts'
import { atRate } from './at-rate.ts'
import { quantile } from './quantile.ts'
import { openStage, type Stage } from './stage.ts'
import { atMost, none, type Outcome, type Setting, type Trial } from './trial.ts'

type Plan = { readers: number; events: number; perSecond: number; writers: number; each: number; kills: number }
const FULL: Plan = { readers: 1000, events: 100, perSecond: 5, writers: 8, each: 60, kills: 3 }
const SHORT: Plan = { readers: 200, events: 20, perSecond: 5, writers: 8, each: 15, kills: 1 }

/** The others' numbers are below. */
const CALM_FROM = 1_000_000
const LONGEST_TRANSACTION_MS = 200
const COME_BACK_MS = 500
const GREETED_WITHIN_MS = 60_000
const HEARD_WITHIN_MS = 60_000

export const feed: Trial = {
  name: 'feed',
  when: 'short',
  what: 'a thousand readers of one api hear of events; then it is killed while transactions end in another order than they begin',
  run: (setting) => runFeed(setting.short ? SHORT : FULL, setting),
}

async function runFeed(plan: Plan, setting: Setting): Promise<Outcome> {
  const stage = await openStage({ model: 'stub', queue: 'postgres', workers: 0 })
  const crowd = createFeedCrowd({
    url: stage.client.url,
    key: stage.client.key,
    size: plan.readers,
    comeBackMs: COME_BACK_MS,
  })
  try {
    await crowd.greeted(GREETED_WITHIN_MS)
    const delays = await hearCalmly(plan, stage, crowd)
    const written = await hearWhileKilled(plan, stage, crowd)
    const counts = compare(crowd, await inOrder(stage))
    return {
      goals: [
        atMost(`event to reader p99 with ${plan.readers} readers, ms`, quantile(delays, 0.99), 250, setting),
        none('events missed by a reader', counts.missed),
        none('events that a reader heard twice', counts.twice),
        none('readers that heard events in another order', counts.inOtherOrder),
      ],
      figures: {
        readers: plan.readers,
        events: plan.events + written,
        eventToReaderMs: { p50: quantile(delays, 0.5), p99: quantile(delays, 0.99), most: Math.max(...delays) },
        kills: { api: plan.kills },
      },
      errors: stage.complaints(),
    }
  } finally {
    crowd.close()
    await stage.close()
  }
}

/** Resolves to how long each event was on its way to each of the readers, from before it was written, in ms. */
async function hearCalmly({ readers, events, perSecond }: Plan, stage: Stage, crowd: FeedCrowd): Promise<number[]> {
  const writtenAt = new Map<number, number>()
  await atRate(perSecond, events, (index) => {
    writtenAt.set(CALM_FROM + index, performance.now())
    return writeEvents(stage.database, [CALM_FROM + index])
  })
  await crowd.hear(readers * events, HEARD_WITHIN_MS).catch(() => {})
  return crowd.readers.flatMap(({ numbers, atMs }) =>
    numbers.map((number, index) => (atMs[index] ?? Number.NaN) - (writtenAt.get(number) ?? Number.NaN)),
  )
}

/** Resolves to how many events were committed. */
async function hearWhileKilled({ readers, writers, each, kills }: Plan, stage: Stage, crowd: FeedCrowd): Promise<number> {
  const heardBefore = crowd.events()
  const writing = writeOutOfOrder({ url: stage.database.url, writers, each, longestMs: LONGEST_TRANSACTION_MS })
  for (let kill = 1; kill <= kills; kill++) {
    const share = kill / (kills + 1)
    await crowd.hear(heardBefore + readers * writers * each * share, HEARD_WITHIN_MS)
    await stage.api().end('SIGKILL')
    await stage.restartApi()
  }
  const { size } = await writing
  await crowd.hear(heardBefore + readers * size, HEARD_WITHIN_MS).catch(() => {})
  return size
}

/** The numbers of all events, in the order of the feed. */
async function inOrder({ database }: Stage): Promise<number[]> {
  const { rows } = await database.query(
    `SELECT (body::json->'data'->>'n')::int AS number FROM pixwarden.events ORDER BY xid, seq`,
  )
  return rows.map(({ number }) => number as number)
}

/** Sums over all readers. */
function compare({ readers }: FeedCrowd, order: number[]): { missed: number; twice: number; inOtherOrder: number } {
  const places = new Map(order.map((number, place) => [number, place]))
  const counts = { missed: 0, twice: 0, inOtherOrder: 0 }
  for (const { numbers } of readers) {
    const distinct = [...new Set(numbers)]
    counts.missed += order.length - distinct.length
    counts.twice += numbers.length - distinct.length
    const found = distinct.map((number) => places.get(number) ?? -1)
    if (found.some((place, index) => place <= (found[index - 1] ?? -1))) counts.inOtherOrder++
  }
  return counts
}
