import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildOverview } from '../../services/core/domain/overview.ts'
import { OVERVIEW_WINDOWS, spanOf, windowStart } from '../../services/core/domain/overview-span.ts'
import { normalise, signBits } from '../../services/core/domain/vector.ts'
import { type Database, openDatabase } from '../../services/core/infra/database.ts'
import type { InsightStore } from '../../services/core/infra/insight-store.ts'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { migrate } from '../../services/core/infra/migrate.ts'
import { packageRoot } from '../../services/core/infra/package-root.ts'
import { createPgInsightStore } from '../../services/core/infra/pg-insight-store.ts'
import { insertEmbeddings, insertUploads } from '../support/insights.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { openTestStore, type TestStore } from '../support/test-store.ts'

const MONTH_SECONDS = 29 * 86_400
const REVISION = 'a'.repeat(64)
const DIM = 384

/** Vectors without a preference for any direction, the same in each run. */
function randomVectors(count: number): Float32Array[] {
  let state = 1
  const next = () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
  return Array.from({ length: count }, () => normalise(Float32Array.from({ length: DIM }, () => next() + next() + next() - 1.5)))
}

describe('with ten thousands of uploads', () => {
  let opened: TestStore
  let reading: Database
  let store: InsightStore
  /** Plans of the statements, by their names, as PostgreSQL explains them. */
  const plans = new Map<string, string>()
  let embedded: string[]
  let uploader: { id: string; uploader: string }
  let now: Date

  beforeAll(async () => {
    opened = await openTestStore()
    const { server } = opened
    await insertUploads(server, { tenant: 'big', count: 20_000, withinSeconds: MONTH_SECONDS, policies: ['animals'] })
    await insertUploads(server, { tenant: 'small', count: 100, withinSeconds: 3600, policies: ['animals'] })
    const vectors = randomVectors(10_000)
    const last = vectors[8000] as Float32Array
    // Nearly the one that was inserted before it.
    vectors[9999] = normalise(last.map((x, index) => x + (index % 2 ? 0.005 : -0.005)))
    embedded = await insertEmbeddings(server, vectors, vectors.map(signBits), REVISION)
    await server.query(`
      INSERT INTO pixwarden.reviews (id, upload_id, tenant, urgency, opened_at, state, resolution, resolved_at, claimed_at)
      SELECT gen_random_uuid(), id, tenant, 0, decided_at, state, CASE state WHEN 'resolved' THEN 'reject' END,
        CASE state WHEN 'resolved' THEN decided_at + interval '30 seconds' END, decided_at + interval '25 seconds'
      FROM (
        SELECT *, CASE WHEN row_number() OVER () % 2 = 0 THEN 'open' ELSE 'resolved' END AS state FROM pixwarden.uploads WHERE tenant = 'big'
      ) AS uploads`)
    await server.query('VACUUM ANALYZE')
    const { rows } = await server.query(
      "SELECT id, uploader FROM pixwarden.uploads WHERE tenant = 'big' ORDER BY id DESC LIMIT 1",
    )
    uploader = rows[0]
    now = new Date()
    reading = openDatabase({ url: server.url, schema: 'pixwarden', pool: 2, readOnly: { timeoutMs: 5000 }, log: silentLogger() })
    store = createPgInsightStore({
      ...reading,
      async run(statement, values) {
        const explained = { name: `explain-${statement.name}`, text: `EXPLAIN ${statement.text}` }
        const { rows: plan } = await reading.run<{ 'QUERY PLAN': string }>(explained, values)
        plans.set(statement.name, plan.map((row) => row['QUERY PLAN']).join('\n'))
        return reading.run(statement, values)
      },
    })
  })
  afterAll(async () => {
    await reading?.close()
    await opened?.close()
  })

  async function timed<T>(work: () => Promise<T>): Promise<{ value: T; ms: number }> {
    await work()
    const startedAt = performance.now()
    return { value: await work(), ms: performance.now() - startedAt }
  }

  test.each(OVERVIEW_WINDOWS)('the overview of %s counts from indexes, within a second', async (window) => {
    const span = spanOf(window, now)
    const { value, ms } = await timed(() => store.countOverview('big', span, ['animals']))
    expect(ms).toBeLessThan(1000)
    expect(plans.get('overview-decided')).toMatch(/Index Only Scan using uploads_outcomes/)
    expect(plans.get('overview-judged')).toMatch(/Index Only Scan( Backward)? using decisions_of_policy/)
    expect(plans.get('overview-found')).toMatch(/Index Only Scan( Backward)? using decisions_not_approved/)
    for (const name of ['overview-decided', 'overview-judged', 'overview-found', 'overview-undecodable', 'overview-pending'])
      expect(plans.get(name), name).not.toMatch(/Seq Scan/)
    const { totals, policies, reviews, sampled } = buildOverview(span, value, new Map())
    expect(sampled).toBe(false)
    expect(policies).toMatchObject([{ id: 'animals', flag: totals.flag, reject: totals.reject, approve: totals.approve }])
    expect(reviews).toMatchObject({ open: 10_000, claimed: 0, median_handling_seconds: 5 })
    expect(totals.decided).toBeGreaterThan(10)
    if (window !== '30d') return
    expect(totals).toMatchObject({ decided: 20_000, flag: 950, reject: 50, received: 20_000 })
    expect(reviews.upheld + reviews.overturned).toBe(10_000)
  })

  test('the newest decisions of a policy are read from its index, within a second', async () => {
    const since = windowStart('30d', now)
    const decisions = { tenant: 'big', policy: 'animals', version: 'v1', since }
    const scores = await timed(() => store.scores(decisions))
    const verdicts = await timed(() => store.verdicts(decisions, 'rule'))
    const versions = await timed(() => store.policyVersions('big', 'animals'))
    for (const { ms } of [scores, verdicts, versions]) expect(ms).toBeLessThan(1000)
    for (const name of ['policy-scores', 'policy-verdicts', 'policy-count', 'policy-version-counts'])
      expect(plans.get(name), name).toMatch(/Index (Only )?Scan using decisions_of_policy/)
    expect(verdicts.value).toMatchObject({ modelId: 'embedded', sampled: true })
    expect(verdicts.value.verdicts).toHaveLength(20_000)
    expect(scores.value.rules.get('rule')?.bins.reduce((sum, { count }) => sum + count, 0)).toBe(20_000)
    expect(await store.verdicts({ ...decisions, tenant: 'small' }, 'rule')).toMatchObject({ sampled: false })
  })

  test('the uploads of one uploader are read from their index', async () => {
    const { value, ms } = await timed(() => store.history('big', uploader, 20))
    expect(ms).toBeLessThan(500)
    expect(value).toMatchObject({ totals: { uploads: 199 }, sampled: false })
    expect(value.items).toHaveLength(20)
    for (const name of ['uploader-totals', 'uploader-newest']) expect(plans.get(name), name).toMatch(/using uploads_of_uploader/)
  })

  test('what is nearly identical is found among ten thousand embeddings, within half a second', async () => {
    const { value, ms } = await timed(() => store.similar('default', embedded.at(-1) ?? '', 10))
    expect(ms).toBeLessThan(500)
    expect(value).toMatchObject([{ upload_id: embedded[8000], similarity: expect.any(Number) }])
    expect(value[0]?.similarity).toBeGreaterThan(0.95)
    expect(value[0]?.similarity).toBeLessThan(1)
    expect(plans.get('similar-candidates')).toMatch(/Index (Only )?Scan( Backward)? using embeddings_(signs|pkey)/)
    expect(await store.similar('default', embedded[8000] ?? '', 10)).toEqual([])
  })

  test('nothing can be written through these connections', async () => {
    await expect(reading.run({ name: 'write', text: 'DELETE FROM uploads' }, [])).rejects.toMatchObject({
      code: 'store-unavailable',
      cause: { message: expect.stringContaining('read-only') },
    })
  })
})

describe('embeddings from before', () => {
  test('get their tenant and signs when the database is migrated', async () => {
    const server = await createTestDatabase()
    const folder = await mkdtemp(path.join(os.tmpdir(), 'pixwarden-migrations-'))
    const shipped = path.join(packageRoot, 'services/core/infra/migrations')
    const run = () =>
      migrate({ databaseUrl: server.url, databaseSchema: 'pixwarden', redisUrl: 'redis://unused' }, silentLogger(), folder)
    try {
      const names = (await readdir(shipped)).sort()
      for (const name of names.filter((each) => each < '0034')) await cp(path.join(shipped, name), path.join(folder, name))
      await run()
      const [vector] = randomVectors(1)
      const id = uuidv7()
      await server.query(
        "INSERT INTO pixwarden.uploads (id, tenant, sha256, mime, byte_size) VALUES ($1, 'theirs', '', 'image/png', 1)",
        [id],
      )
      await server.query(
        "INSERT INTO pixwarden.embeddings (upload_id, model_id, model_revision, view, vector) VALUES ($1, 'm', 'r', 'full', $2)",
        [id, Buffer.from(vector?.buffer as ArrayBuffer)],
      )
      await cp(shipped, folder, { recursive: true })
      await run()
      const { rows } = await server.query('SELECT tenant, sign FROM pixwarden.embeddings')
      expect(rows).toEqual([{ tenant: 'theirs', sign: signBits(vector as Float32Array) }])
    } finally {
      await server.drop()
      await rm(folder, { recursive: true, force: true })
    }
  })
})
