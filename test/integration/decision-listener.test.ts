import { v4 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type DecisionListener, listenForDecisions } from '../../services/core/infra/decision-listener.ts'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { createPgUploadStore } from '../../services/core/infra/pg-upload-store.ts'
import type { ClaimedUpload, UploadStore } from '../../services/core/infra/upload-store.ts'
import { newConclusion, newUpload, openTestStore, type TestStore } from '../support/test-store.ts'
import { waitFor } from '../support/wait-for.ts'

describe('whoever waits for a decision', () => {
  let opened: TestStore
  let store: UploadStore
  let listener: DecisionListener
  beforeAll(async () => {
    opened = await openTestStore()
    store = createPgUploadStore(opened.database)
    listener = listenForDecisions({ url: opened.server.url, log: silentLogger() })
    await waitFor(async () => (await listening()).length === 1, { what: 'the listener' })
  })
  afterAll(async () => {
    await listener?.close()
    await opened?.close()
  })

  /** The server's processes of connections that listen. */
  const listening = async () =>
    (await opened.server.query("SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()"))
      .rows

  async function claimed(): Promise<ClaimedUpload> {
    const upload = newUpload()
    await store.insert(upload)
    return (await store.claim(upload.id)) as ClaimedUpload
  }

  test('hears of it at once, each of them, and of no other', async () => {
    const [upload, other] = [await claimed(), await claimed()]
    const waits = [listener.waitFor(upload.id, 20_000), listener.waitFor(upload.id, 20_000)]
    const inVain = listener.waitFor(other.id, 300)
    const startedAt = performance.now()
    await store.conclude(upload, newConclusion())
    expect(await Promise.all(waits)).toEqual([true, true])
    expect(performance.now() - startedAt).toBeLessThan(2000)
    expect(await inVain).toBe(false)
  })

  test('is told when time is up, and when it has gone away itself', async () => {
    const startedAt = performance.now()
    expect(await listener.waitFor(uuid(), 100)).toBe(false)
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(95)
    const gone = new AbortController()
    const waiting = listener.waitFor(uuid(), 20_000, gone.signal)
    gone.abort()
    expect(await waiting).toBe(false)
    expect(await listener.waitFor(uuid(), 20_000, gone.signal)).toBe(false)
  })

  test('may be one of thousands', async () => {
    const upload = await claimed()
    const waits = Array.from({ length: 5000 }, (_, i) => listener.waitFor(i % 2 === 0 ? upload.id : uuid(), 1000))
    await store.conclude(upload, newConclusion())
    expect((await Promise.all(waits)).filter(Boolean)).toHaveLength(2500)
  })

  test('looks again when the connection broke, and hears of later decisions', async () => {
    const upload = await claimed()
    const waiting = listener.waitFor(upload.id, 20_000)
    const [{ pid }] = await listening()
    await opened.server.query('SELECT pg_terminate_backend($1)', [pid])
    expect(await waiting).toBe(true)
    const later = listener.waitFor(upload.id, 20_000)
    await store.conclude(upload, newConclusion())
    expect(await later).toBe(true)
  })

  test('is let go when the service stops', async () => {
    const mine = listenForDecisions({ url: opened.server.url, log: silentLogger() })
    const waiting = mine.waitFor(uuid(), 20_000)
    await mine.close()
    expect(await waiting).toBe(false)
    expect(await mine.waitFor(uuid(), 20_000)).toBe(false)
  })
})
