import { v4 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDatabase } from '../../services/core/infra/database.ts'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { createPgIdempotencyStore } from '../../services/core/infra/pg-idempotency-store.ts'
import { createPgUploadStore } from '../../services/core/infra/pg-upload-store.ts'
import { type IdempotencyStore, RESERVATION_SECONDS, type UploadStore } from '../../services/core/infra/upload-store.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { newUpload, openTestStore, type TestStore } from '../support/test-store.ts'

describe('an idempotency key', () => {
  let opened: TestStore
  let keys: IdempotencyStore
  let uploads: UploadStore
  beforeAll(async () => {
    opened = await openTestStore()
    keys = createPgIdempotencyStore(opened.database)
    uploads = createPgUploadStore(opened.database)
  })
  afterAll(() => opened?.close())

  const age = (key: string, seconds: number) =>
    opened.server.query(
      "UPDATE pixwarden.idempotency_keys SET created_at = created_at - $2 * interval '1 second' WHERE key = $1",
      [key, seconds],
    )
  const use = async (key: string, requestHash = 'hash') => {
    const upload = newUpload()
    await uploads.insert(upload, { key, requestHash })
    return upload.id
  }

  test('is had by one of twenty that ask at once', async () => {
    const key = uuid()
    const states = await Promise.all(Array.from({ length: 20 }, () => keys.reserve('default', key)))
    expect(states.filter(({ state }) => state === 'reserved')).toHaveLength(1)
    expect(states.filter(({ state }) => state === 'running')).toHaveLength(19)
  })

  test('answers with its upload from then on, to its tenant', async () => {
    const key = uuid()
    await keys.reserve('default', key)
    const uploadId = await use(key)
    expect(await keys.reserve('default', key)).toEqual({ state: 'done', uploadId, requestHash: 'hash' })
    await keys.release('default', key)
    expect(await keys.reserve('default', key)).toMatchObject({ state: 'done' })
    expect(await keys.reserve('other', key)).toEqual({ state: 'reserved' })
  })

  test('is free again when its request was refused', async () => {
    const key = uuid()
    await keys.reserve('default', key)
    await keys.release('default', key)
    expect(await keys.reserve('default', key)).toEqual({ state: 'reserved' })
  })

  test('is free again as soon as the database answers, when it was away as the request was refused', async () => {
    const proxy = await startTcpProxy(opened.server.url)
    const database = openDatabase({ url: proxy.url, schema: 'pixwarden', pool: 2, log: silentLogger() })
    const here = createPgIdempotencyStore(database)
    const [refused, other] = [uuid(), uuid()]
    await here.reserve('default', refused)
    await proxy.cut()
    await expect(here.release('default', refused)).rejects.toMatchObject({ code: 'store-unavailable' })
    await expect(here.reserve('default', other)).rejects.toMatchObject({ code: 'store-unavailable' })
    await proxy.mend()
    expect(await here.reserve('default', other)).toEqual({ state: 'reserved' })
    expect(await keys.reserve('default', refused)).toEqual({ state: 'reserved' })
    await database.close()
    await proxy.close()
  })

  test('is free again some time after its holder died', async () => {
    const key = uuid()
    await keys.reserve('default', key)
    await age(key, RESERVATION_SECONDS - 5)
    expect(await keys.reserve('default', key)).toEqual({ state: 'running' })
    await age(key, 10)
    expect(await keys.reserve('default', key)).toEqual({ state: 'reserved' })
    expect(await keys.reserve('default', key)).toEqual({ state: 'running' })
  })

  test('stands for one upload, also when two requests hold it because the first was very slow', async () => {
    const key = uuid()
    await keys.reserve('default', key)
    await age(key, RESERVATION_SECONDS + 5)
    await keys.reserve('default', key)
    const first = await use(key)
    const late = newUpload()
    await expect(uploads.insert(late, { key, requestHash: 'hash' })).rejects.toMatchObject({ code: 'idempotency-key-in-use' })
    expect(await uploads.find('default', late.id)).toBeUndefined()
    expect(await keys.reserve('default', key)).toMatchObject({ state: 'done', uploadId: first })
  })

  test('is forgotten after 24 hours, also when nobody asks for it again', async () => {
    const [asked, forgotten] = [uuid(), uuid()]
    for (const key of [asked, forgotten]) {
      await keys.reserve('default', key)
      await use(key)
    }
    await age(asked, 86_000)
    expect(await keys.reserve('default', asked)).toMatchObject({ state: 'done' })
    await age(asked, 500)
    await age(forgotten, 86_500)
    expect(await keys.reserve('default', asked)).toEqual({ state: 'reserved' })
    const { rows } = await opened.server.query('SELECT 1 FROM pixwarden.idempotency_keys WHERE key = $1', [forgotten])
    expect(rows).toEqual([])
  })
})
