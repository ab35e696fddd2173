import { mkdtemp, rm, utimes } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { THE_SERVICE } from '../../services/core/domain/audit.ts'
import type { Conclusion } from '../../services/core/domain/decision.ts'
import { hasCode } from '../../services/core/domain/errors.ts'
import { FEED_TYPES, type FeedPosition } from '../../services/core/domain/feed.ts'
import type { BlobStore } from '../../services/core/infra/blob-store.ts'
import type { RetentionLimits } from '../../services/core/infra/config.ts'
import { createFsBlobStore } from '../../services/core/infra/fs-blob-store.ts'
import { createMetrics, type Metrics } from '../../services/core/infra/metrics.ts'
import { createPgFeedStore } from '../../services/core/infra/pg-feed-store.ts'
import { createPgRetentionStore } from '../../services/core/infra/pg-retention-store.ts'
import { createPgUploadStore } from '../../services/core/infra/pg-upload-store.ts'
import type { RetentionStore } from '../../services/core/infra/retention-store.ts'
import { deleteNeedless } from '../../services/worker/retention/delete-needless.ts'
import { expireUploads } from '../../services/worker/retention/expire-uploads.ts'
import { createOrphanSweeper } from '../../services/worker/retention/orphan-sweeper.ts'
import { collectLog } from '../support/collect-log.ts'
import { untilSettled } from '../support/feed.ts'
import { newConclusion, newUpload, openTestStore, type TestStore } from '../support/test-store.ts'

const NOW = new Date('2026-06-30T12:00:00Z')
const daysAgo = (days: number) => new Date(NOW.getTime() - days * 86_400_000)

let opened: TestStore
let dir: string
let blobs: BlobStore
let store: RetentionStore
let metrics: Metrics
let logged: ReturnType<typeof collectLog>

beforeAll(async () => {
  opened = await openTestStore()
  store = createPgRetentionStore(opened.database)
})
afterAll(() => opened?.close())
beforeEach(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'pixwarden-retention-'))
  blobs = createFsBlobStore({ dir })
  metrics = createMetrics()
  logged = collectLog()
  await sql('DELETE FROM @uploads')
})
afterEach(() => rm(dir, { recursive: true }))

const sql = (text: string, ...values: unknown[]) => opened.server.query(text.replaceAll('@', 'pixwarden.'), values)
const count = async (table: string) => Number((await sql(`SELECT count(*) FROM @${table}`)).rows[0].count)
const uploads = (now = NOW) => createPgUploadStore(opened.database, { now: () => now })
const going = () => new AbortController().signal

const approved = newConclusion()
const flagged = newConclusion({
  action: 'flag',
  model: { id: 'm', revision: 'r' },
  embeddings: [{ view: 'full', embedding: Float32Array.of(1, 0) }],
})
const rejected = newConclusion({ action: 'reject' })

/** An upload with its bytes, decided unless there is no conclusion. */
async function upload(conclusion?: Conclusion, { at = NOW, ...values }: { at?: Date } & Parameters<typeof newUpload>[0] = {}) {
  const made = newUpload({ id: uuidv7({ msecs: at.getTime() }), ...values })
  await blobs.put(made.blobKey, bytes())
  await uploads().insert(made)
  const claimed = conclusion && (await uploads().claim(made.id))
  if (claimed) await uploads(at).conclude(claimed, conclusion)
  return made
}

async function* bytes(): AsyncGenerator<Uint8Array> {
  yield Uint8Array.of(1, 2, 3)
}

async function isKept({ blobKey }: { blobKey: string }): Promise<boolean> {
  try {
    ;(await blobs.read(blobKey)).destroy()
    return true
  } catch (error) {
    if (hasCode(error, 'not-found')) return false
    throw error
  }
}

/** The reason of each deletion, as it was counted. */
async function counted(): Promise<Record<string, number>> {
  const { values } = await metrics.imagesDeleted.get()
  return Object.fromEntries(values.map(({ labels, value }) => [labels.reason, value]))
}

describe('bytes that nobody needs', () => {
  const run = (options: Partial<Parameters<typeof deleteNeedless>[0]> = {}, signal = going()) =>
    deleteNeedless({ store, blobs, metrics, log: logged.log, ...options }, signal)

  test('are those of approved images, and not of what a moderator has to look at or nobody has decided', async () => {
    const gone = await upload(approved)
    const kept = [await upload(flagged), await upload(rejected), await upload()]
    await run()
    expect(await isKept(gone)).toBe(false)
    expect(await Promise.all(kept.map(isKept))).toEqual([true, true, true])
    expect(await counted()).toEqual({ approved: 1 })
    await run()
    expect(await counted()).toEqual({ approved: 1 })
  })

  test('are those of any image that was not to be stored, once it is decided; the review stays', async () => {
    const [mine, waiting] = [await upload(flagged, { keepImage: false }), await upload(undefined, { keepImage: false })]
    await run()
    expect([await isKept(mine), await isKept(waiting)]).toEqual([false, true])
    expect(await counted()).toEqual({ 'not-stored': 1 })
    expect([await count('embeddings'), await count('reviews')]).toEqual([0, 1])
  })

  test('are those of an erased image that were left when its api died', async () => {
    const [decided, waiting] = [await upload(flagged), await upload()]
    for (const { id } of [decided, waiting]) await uploads().erase('default', id, THE_SERVICE)
    await run()
    expect([await isKept(decided), await isKept(waiting)]).toEqual([false, false])
    expect(await counted()).toEqual({ erased: 2 })
  })

  test('are accounted for by the next run when a worker dies between deleting and saying so', async () => {
    const gone = await upload(approved)
    const dying = { ...store, imagesDeleted: () => Promise.reject(new Error('killed')) }
    await expect(run({ store: dying })).rejects.toThrow('killed')
    expect(await isKept(gone)).toBe(false)
    expect(await store.needless({ limit: 10 })).toHaveLength(1)
    await run()
    expect(await store.needless({ limit: 10 })).toEqual([])
  })

  test('that cannot be deleted hold up no others, and are tried again', async () => {
    const stuck = await upload(approved)
    const others = [await upload(approved), await upload(approved)]
    const failing = {
      delete: (key: string) => (key === stuck.blobKey ? Promise.reject(new Error('EACCES')) : blobs.delete(key)),
    }
    await run({ blobs: failing })
    expect(await Promise.all(others.map(isKept))).toEqual([false, false])
    expect(logged.lines).toMatchObject([{ level: 50, uploadId: stuck.id, err: { message: 'EACCES' } }])
    await run()
    expect(await isKept(stuck)).toBe(false)
  })

  test('go page by page, until the worker stops', async () => {
    const all = [await upload(approved), await upload(approved), await upload(approved), await upload(approved)]
    await run({ page: 1 }, AbortSignal.abort())
    expect((await Promise.all(all.map(isKept))).filter(Boolean)).toHaveLength(3)
    await run({ page: 2 })
    expect((await Promise.all(all.map(isKept))).filter(Boolean)).toHaveLength(0)
  })
})

describe('what was not approved', () => {
  const run = (options: Partial<Parameters<typeof expireUploads>[0]> = {}) =>
    expireUploads(
      {
        store,
        blobs,
        metrics,
        log: logged.log,
        limits: { appealDays: 14, retentionDays: 90, recordDays: undefined, feedDays: 7 },
        now: () => NOW,
        ...options,
      },
      going(),
    )
  const resolve = ({ id }: { id: string }, at: Date) =>
    sql("UPDATE @reviews SET state = 'resolved', resolution = 'reject', resolved_at = $2 WHERE upload_id = $1", id, at)

  test('loses its bytes and embeddings when its review is resolved and the time to appeal is over, and keeps its decision', async () => {
    const [over, appealable] = [await upload(flagged, { at: daysAgo(30) }), await upload(flagged, { at: daysAgo(30) })]
    await resolve(over, daysAgo(14.01))
    await resolve(appealable, daysAgo(13.99))
    await run()
    expect([await isKept(over), await isKept(appealable)]).toEqual([false, true])
    expect((await sql('SELECT upload_id FROM @embeddings')).rows).toEqual([{ upload_id: appealable.id }])
    expect(await uploads().find('default', over.id)).toMatchObject({ status: 'decided', action: 'flag' })
    expect(await counted()).toEqual({ reviewed: 1 })
    expect(logged.lines).toEqual([])
  })

  test('is kept while its review is open again, however long ago it was resolved', async () => {
    const twice = await upload(rejected, { at: daysAgo(40) })
    await resolve(twice, daysAgo(30))
    await sql("UPDATE @reviews SET state = 'open', resolution = NULL, resolved_at = NULL WHERE upload_id = $1", twice.id)
    await run()
    expect(await isKept(twice)).toBe(true)
  })

  test('is kept for the longest time when nobody reviews it, then loses its bytes, which is said; the review stays open', async () => {
    const [old, young] = [await upload(flagged, { at: daysAgo(90.01) }), await upload(flagged, { at: daysAgo(89.99) })]
    await run()
    expect([await isKept(old), await isKept(young)]).toEqual([false, true])
    expect(await counted()).toEqual({ unreviewed: 1 })
    expect(logged.lines).toMatchObject([{ level: 40, uploads: 1, msg: 'not reviewed in 90 days: only their scores are left' }])
    expect((await sql("SELECT FROM @reviews WHERE state = 'open'")).rowCount).toBe(2)
  })

  test('is not kept for the sake of an appeal beyond the longest time', async () => {
    const late = await upload(flagged, { at: daysAgo(91) })
    await resolve(late, daysAgo(1))
    await run()
    expect(await isKept(late)).toBe(false)
    expect(await counted()).toEqual({ aged: 1 })
  })

  test('is swept by the next run when a worker dies between deleting and saying so', async () => {
    const old = await upload(flagged, { at: daysAgo(91) })
    const dying = { ...store, imagesExpired: () => Promise.reject(new Error('killed')) }
    await expect(run({ store: dying })).rejects.toThrow('killed')
    expect(await isKept(old)).toBe(false)
    expect(await count('embeddings')).toBe(1)
    await run()
    expect(await count('embeddings')).toBe(0)
    expect(await store.expired({ resolvedBefore: NOW, decidedBefore: NOW, limit: 10 })).toEqual([])
  })

  test('and what was: embeddings go when they are too old, and rows when they are to', async () => {
    const withVector = { ...flagged, action: 'approve' as const }
    const [ancient, old, young] = [
      await upload(withVector, { at: daysAgo(366) }),
      await upload(withVector, { at: daysAgo(91) }),
      await upload(withVector, { at: daysAgo(89) }),
    ]
    const erased = await upload(flagged, { at: daysAgo(366) })
    await uploads().erase('default', erased.id, THE_SERVICE)
    const kept = await upload(undefined, { at: daysAgo(366) })
    await run({ page: 1 })
    expect((await sql('SELECT upload_id FROM @embeddings')).rows).toEqual([{ upload_id: young.id }])
    expect(await count('uploads')).toBe(5)
    await deleteNeedless({ store, blobs, metrics, log: logged.log }, going())
    await run({ limits: { appealDays: 14, retentionDays: 90, recordDays: 365, feedDays: 7 }, page: 1 })
    const left = (await sql('SELECT id FROM @uploads ORDER BY id')).rows.map(({ id }) => id)
    expect(left).toEqual([kept.id, old.id, young.id])
    expect(left).not.toContain(ancient.id)
    expect(await count('events')).toBe(2)
  })

  test('keeps its row while its bytes are there', async () => {
    const stuck = await upload(flagged, { at: daysAgo(400) })
    const failing = { delete: () => Promise.reject(new Error('EACCES')) }
    await run({ limits: { appealDays: 14, retentionDays: 90, recordDays: 365, feedDays: 7 }, blobs: failing })
    expect(await uploads().find('default', stuck.id)).toBeDefined()
  })
})

describe('events', () => {
  const run = (limits: Partial<RetentionLimits> = {}) =>
    expireUploads(
      {
        store,
        blobs,
        metrics,
        log: logged.log,
        limits: { appealDays: 14, retentionDays: 90, recordDays: undefined, feedDays: 7, ...limits },
        now: () => NOW,
        page: 2,
      },
      going(),
    )
  const write = (type: string, at: Date, uploadId?: string) =>
    sql(
      "INSERT INTO @events (id, tenant, type, upload_id, body, created_at) VALUES (gen_random_uuid(), 'default', $1, $2, '{}', $3)",
      type,
      uploadId,
      at,
    )
  const types = async () => (await sql('SELECT type FROM @events ORDER BY seq')).rows.map(({ type }) => type)
  const feed = () => createPgFeedStore(opened.database)
  async function head(): Promise<FeedPosition> {
    await untilSettled(opened.server)
    return feed().head()
  }
  async function isLost(after: FeedPosition): Promise<boolean> {
    const [page] = await feed().read([{ tenant: 'default', after }], { types: FEED_TYPES, limit: 1 })
    return page?.lost === true
  }

  beforeEach(async () => {
    await sql('DELETE FROM @events')
    await sql("UPDATE @feed_horizon SET xid = '0'")
  })

  test('that only the feed has go after some days, and who has not read them yet is told', async () => {
    const { id } = await upload(flagged, { at: daysAgo(60) })
    const start = await head()
    for (const type of ['review.claimed', 'review.released', 'review.reopened']) await write(type, daysAgo(7.01), id)
    const read = await head()
    await write('review.claimed', daysAgo(6.99), id)
    await run()
    expect(await types()).toEqual(['upload.decided', 'review.opened', 'review.claimed'])
    expect([await isLost(start), await isLost(read)]).toEqual([true, false])
  })

  test('of tests of webhooks go too, and nobody misses them', async () => {
    const start = await head()
    await write('webhook.test', daysAgo(8))
    await write('webhook.test', daysAgo(6))
    await run()
    expect(await types()).toEqual(['webhook.test'])
    expect(await isLost(start)).toBe(false)
  })

  test('go with the record of their upload, and who has not read them yet is told', async () => {
    const start = await head()
    await upload(approved, { at: daysAgo(40) })
    const read = await head()
    await upload(approved, { at: daysAgo(20) })
    await deleteNeedless({ store, blobs, metrics, log: logged.log }, going())
    await run({ recordDays: 30 })
    expect(await types()).toEqual(['upload.decided'])
    expect([await isLost(start), await isLost(read)]).toEqual([true, false])
  })

  test('of an erased upload are gone for readers too, who are not told', async () => {
    const start = await head()
    const { id } = await upload(flagged)
    await uploads().erase('default', id, THE_SERVICE)
    await run()
    expect(await isLost(start)).toBe(false)
  })
})

describe('bytes without an upload', () => {
  beforeEach(() => sql("UPDATE @migrations SET applied_at = '2026-01-01'"))

  const sweeper = (page?: number) =>
    createOrphanSweeper({ store, blobs, metrics, log: logged.log, now: () => NOW, ...(page && { page }) })
  async function orphan(writtenAt: Date) {
    const blob = newUpload()
    await blobs.put(blob.blobKey, bytes())
    await touch(blob, writtenAt)
    return blob
  }
  async function touch({ id, tenant }: { id: string; tenant: string }, at: Date): Promise<void> {
    await utimes(path.join(dir, tenant, id.slice(-2), id), at, at)
  }

  test('are deleted after an hour, which is said, and others are not', async () => {
    const [old, young] = [await orphan(daysAgo(1.01 / 24)), await orphan(daysAgo(0.99 / 24))]
    const known = [await upload(flagged), await upload()]
    for (const each of known) await touch(each, daysAgo(2))
    await sweeper()()
    expect([await isKept(old), await isKept(young)]).toEqual([false, true])
    expect(await Promise.all(known.map(isKept))).toEqual([true, true])
    expect(await counted()).toEqual({ orphan: 1 })
    expect(logged.lines).toMatchObject([{ level: 40, blobs: [old.blobKey] }])
  })

  test('also those that came back with a backup after their upload had lost them', async () => {
    const erased = await upload(flagged)
    await uploads().erase('default', erased.id, THE_SERVICE)
    await deleteNeedless({ store, blobs, metrics, log: logged.log }, going())
    await blobs.put(erased.blobKey, bytes())
    await touch(erased, daysAgo(1))
    await sweeper()()
    expect(await isKept(erased)).toBe(false)
  })

  test('are left alone when they are older than the database: it may be the wrong one', async () => {
    const foreign = await orphan(new Date('2025-12-31'))
    await sweeper()()
    expect(await isKept(foreign)).toBe(true)
  })

  test('are found a few at a time, run after run, and those that come later too', async () => {
    const orphans = [await orphan(daysAgo(1)), await orphan(daysAgo(1)), await orphan(daysAgo(1))]
    const left = async () => (await Promise.all(orphans.map(isKept))).filter(Boolean).length
    const sweep = sweeper(2)
    await sweep()
    expect(await left()).toBe(1)
    await sweep()
    expect(await left()).toBe(0)
    orphans.push(await orphan(daysAgo(1)))
    await sweep()
    expect(await left()).toBe(0)
  })

  test('are none where nothing was ever stored', async () => {
    blobs = createFsBlobStore({ dir: path.join(dir, 'none') })
    await sweeper()()
    expect(logged.lines).toEqual([])
  })
})
