import { expect, test } from 'vitest'
import { type Api, createApi } from '../../services/api/create-api.ts'
import { readConfig } from '../../services/core/infra/config.ts'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { freePort } from '../../services/standalone/ports.ts'
import { startApi } from '../support/api.ts'
import { createFeedCrowd } from '../support/feed-crowd.ts'
import { writeOutOfOrder } from '../support/feed-writers.ts'

const READERS = 50

test('readers miss nothing and hear nothing twice while the api is restarted, and events are committed meanwhile and out of order', async () => {
  const port = String(await freePort('127.0.0.1'))
  const first = await startApi({ env: { PORT: port } })
  const crowd = createFeedCrowd({ url: first.url, key: first.key, size: READERS, comeBackMs: 50 })
  const config = readConfig({
    DATABASE_URL: first.database.url,
    PORT: port,
    PIXWARDEN_DATA_DIR: first.blobs,
    PIXWARDEN_POLICIES: first.policies,
  })
  const started: Api[] = []
  try {
    await crowd.greeted(20_000)
    const writing = writeOutOfOrder({ url: first.database.url, writers: 8, each: 50, longestMs: 40 })
    for (const [restart, count] of [100, 300].entries()) {
      await crowd.hear(READERS * count, 20_000)
      await (started[restart - 1] ?? first).stop()
      const next = await createApi(config, silentLogger())
      started.push(next)
      await next.start()
    }
    const committed = await writing
    await crowd.hear(READERS * committed.size, 20_000)
    const { rows } = await first.database.query(
      "SELECT (body::json->'data'->>'n')::int AS n FROM pixwarden.events ORDER BY xid, seq",
    )
    expect(rows).toHaveLength(committed.size)
    for (const { numbers } of crowd.readers) expect(numbers).toEqual(rows.map(({ n }) => n))
  } finally {
    crowd.close()
    await Promise.all(started.map((api) => api.stop()))
    await first.discard()
  }
})
