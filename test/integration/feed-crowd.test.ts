import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cpuTime, minus } from '../bench/cpu-time.ts'
import { writeEvents } from '../support/feed.ts'
import { createFeedCrowd, type FeedCrowd } from '../support/feed-crowd.ts'
import { type Service, startService } from '../support/service.ts'

const READERS = 1000
const EVENTS = 20
/** Half of the time in which 99 of 100 readers are to hear of an event; `npm run chaos -- --trial feed` measures that, on a machine that does nothing else. */
const MOST_CPU_MS = 125

describe('an api with a thousand readers', () => {
  let service: Service
  let crowd: FeedCrowd
  beforeAll(async () => {
    service = await startService({ workers: 0 })
    crowd = createFeedCrowd({ url: service.url, key: service.key, size: READERS })
    await crowd.greeted(50_000)
  })
  afterAll(async () => {
    crowd?.close()
    await service?.stop()
  })

  test('tells each of them of each event, once and in order, and needs little time for it', async () => {
    const [{ pid } = {}] = service.processes
    const before = await cpuTime(pid as number)
    for (let n = 0; n < EVENTS; n++) {
      await writeEvents(service.database, [n])
      await crowd.hear(READERS * (n + 1), 20_000)
    }
    const { mainThread } = minus(await cpuTime(pid as number), before)
    const all = Array.from({ length: EVENTS }, (_, n) => n)
    for (const { numbers } of crowd.readers) expect(numbers).toEqual(all)
    expect(mainThread / EVENTS).toBeLessThan(MOST_CPU_MS)
  })
})
