import { stat } from 'node:fs/promises'
import path from 'node:path'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { THE_SERVICE } from '../../services/core/domain/audit.ts'
import type { Conclusion } from '../../services/core/domain/decision.ts'
import { AppError } from '../../services/core/domain/errors.ts'
import { openDatabase } from '../../services/core/infra/database.ts'
import { createFsBlobStore } from '../../services/core/infra/fs-blob-store.ts'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { createMetrics } from '../../services/core/infra/metrics.ts'
import { createPgRetentionStore } from '../../services/core/infra/pg-retention-store.ts'
import { verifyAuditLog } from '../../services/core/infra/verify-audit-log.ts'
import type { Judgement } from '../../services/worker/judge.ts'
import { createUploadProcessor } from '../../services/worker/process-upload.ts'
import { deleteNeedless } from '../../services/worker/retention/delete-needless.ts'
import { cat, form, startApi, type TestApi } from '../support/api.ts'
import { databaseText } from '../support/database-text.ts'
import { waitFor } from '../support/wait-for.ts'

let api: TestApi
let photo: Buffer
let webhook: string

beforeAll(async () => {
  api = await startApi()
  photo = await cat()
  webhook = uuidv7()
  await sql("INSERT INTO @webhook_endpoints (id, tenant, url) VALUES ($1, 'default', 'https://platform.example/hook')", webhook)
})
afterAll(() => api?.discard())

const sql = (text: string, ...values: unknown[]) => api.database.query(text.replaceAll('@', 'pixwarden.'), values)
const erase = (id: string, key = api.key) =>
  api.call(`/v1/uploads/${id}`, { method: 'DELETE', headers: { authorization: `Bearer ${key}` } })
const read = (id: string) => api.call(`/v1/uploads/${id}`)
const ABOUT = ['decisions', 'embeddings', 'reviews', 'events'] as const

/** What tables hold about an upload, besides its row. */
async function about(id: string): Promise<Record<string, number>> {
  const counts = ABOUT.map(async (table) => [
    table,
    Number((await sql(`SELECT count(*) FROM @${table} WHERE upload_id = $1`, id)).rows[0].count),
  ])
  return Object.fromEntries(await Promise.all(counts))
}
const hasBytes = (id: string) =>
  stat(path.join(api.blobs, 'default', id.slice(-2), id)).then(
    () => true,
    () => false,
  )
const nothing = { decisions: 0, embeddings: 0, reviews: 0, events: 0 }

const pendingDeliveries = async () => (await sql('SELECT FROM @deliveries')).rowCount

let marks = 0
/** Uploads an image with names and metadata that are nobody else's. */
async function submit(query = ''): Promise<{ id: string; mark: string }> {
  const mark = `mark-${++marks}-of-somebody`
  const fields = {
    external_id: mark,
    source: `${mark}-app`,
    uploader: `${mark}-member`,
    metadata: JSON.stringify({ who: `${mark}@example.org` }),
  }
  const response = await api.call(`/v1/uploads${query}`, { method: 'POST', body: form(photo, fields, `${mark}.jpg`) })
  return { id: ((await response.json()) as { id: string }).id, mark }
}

const verdict = {
  id: 'animals',
  version: 'b'.repeat(64),
  mode: 'enforce' as const,
  action: 'flag' as const,
  rules: [
    { id: 'animal', action: 'flag' as const, matched: true, score: 0.7123456789, threshold: 0.6, prompt: 'a photo of a cat.' },
  ],
}
const flagged: Partial<Conclusion> = {
  action: 'flag',
  reasonCodes: ['animals'],
  verdicts: [verdict],
  model: { id: 'embedded', revision: 'a'.repeat(64) },
  embeddings: [{ view: 'full', embedding: Float32Array.of(1, 0) }],
  detail: 'missing views: frame-12',
}

describe('erasing an upload', () => {
  test.each<[string, Partial<Conclusion> | undefined]>([
    ['that waits for its decision', undefined],
    ['that was approved', { ...flagged, action: 'approve', reasonCodes: [] }],
    ['that was flagged', flagged],
    ['that was rejected', { ...flagged, action: 'reject' }],
  ])('%s leaves nothing of it but that it was there, and how it was decided', async (_what, conclusion) => {
    const { id, mark } = await submit()
    if (conclusion) await api.conclude(id, conclusion)
    const { rows } = await sql('SELECT sha256 FROM @uploads WHERE id = $1', id)
    expect(await databaseText(api.database)).toContain(mark)
    expect(await hasBytes(id)).toBe(true)

    const response = await erase(id)
    expect(response.status).toBe(204)
    expect(await response.text()).toBe('')
    const after = await databaseText(api.database)
    for (const trace of [mark, rows[0].sha256, '0.7123456789', 'frame-12']) expect(after).not.toContain(trace)
    expect(await about(id)).toEqual(nothing)
    expect(await hasBytes(id)).toBe(false)
    const [left] = (await sql('SELECT * FROM @uploads WHERE id = $1', id)).rows
    expect(left).toMatchObject({
      tenant: 'default',
      status: 'erased',
      action: conclusion ? (conclusion.action ?? 'approve') : null,
      reason_codes: conclusion?.reasonCodes ?? [],
      erased_at: expect.any(Date),
    })

    const gone = await read(id)
    expect(gone.status).toBe(410)
    expect(await gone.json()).toMatchObject({ code: 'erased', status: 410, erased_at: left.erased_at.toISOString() })
    const { items } = (await (await api.call('/v1/decisions?limit=200')).json()) as { items: { id: string }[] }
    expect(items.map((item) => item.id)).not.toContain(id)
  })

  test('again changes nothing, and is not written down again', async () => {
    const { id } = await submit()
    await erase(id)
    const [before] = (await sql('SELECT uploads::text AS row FROM @uploads WHERE id = $1', id)).rows
    expect((await erase(id)).status).toBe(204)
    expect((await sql('SELECT uploads::text AS row FROM @uploads WHERE id = $1', id)).rows).toEqual([before])
    expect((await sql('SELECT FROM @audit_log WHERE subject = $1', id)).rowCount).toBe(1)
  })

  test('keeps what webhooks have not yet delivered from being delivered', async () => {
    const before = await pendingDeliveries()
    const { id } = await submit()
    await api.conclude(id, flagged)
    expect(await pendingDeliveries()).toBeGreaterThan(before ?? 0)
    await erase(id)
    expect(await pendingDeliveries()).toBe(before)
  })

  test('is allowed to intake keys of its tenant, and to nobody else', async () => {
    const { id } = await submit()
    expect((await erase(id, await api.createKey(['review']))).status).toBe(403)
    expect((await erase(id, await api.createKey(['admin'], 'other'))).status).toBe(404)
    expect(await (await read(id)).json()).toMatchObject({ status: 'pending' })
    expect((await erase(id, await api.createKey(['intake']))).status).toBe(204)
  })

  test.each([
    [uuidv7(), 404],
    ['cat', 400],
  ])('%s, which is none, answers %i', async (id, status) => {
    expect((await erase(id)).status).toBe(status)
  })

  test('answers whoever waits for its decision', async () => {
    const answer = api.call('/v1/uploads?wait=30&external_id=awaited', {
      method: 'POST',
      headers: { 'content-type': 'image/jpeg' },
      body: photo,
    })
    const id = await waitFor(async () => (await sql("SELECT id FROM @uploads WHERE external_id = 'awaited'")).rows[0]?.id, {
      what: 'the upload to be stored',
    })
    await erase(id)
    expect((await answer).status).toBe(410)
  })

  test('is not undone by a request that is repeated', async () => {
    const send = () => api.post(photo, { headers: { 'idempotency-key': 'erased-one' } })
    const { id } = (await (await send()).json()) as { id: string }
    await erase(id)
    const before = await api.remains()
    const repeated = await send()
    expect(repeated.status).toBe(410)
    expect(await repeated.json()).toMatchObject({ code: 'erased' })
    expect(await api.remains()).toEqual(before)
  })

  test('when the api dies before it has deleted the bytes, asking again or the next sweep deletes them', async () => {
    const [first, second] = [await submit(), await submit()]
    for (const { id } of [first, second]) await api.uploads.erase('default', id, THE_SERVICE)
    expect([await hasBytes(first.id), await hasBytes(second.id)]).toEqual([true, true])
    expect((await erase(first.id)).status).toBe(204)
    expect([await hasBytes(first.id), await hasBytes(second.id)]).toEqual([false, true])
    const direct = openDatabase({ url: api.database.url, schema: 'pixwarden', pool: 1, log: silentLogger() })
    const blobs = createFsBlobStore({ dir: api.blobs })
    const options = { store: createPgRetentionStore(direct), blobs, metrics: createMetrics(), log: silentLogger() }
    await deleteNeedless(options, new AbortController().signal)
    await direct.close()
    expect(await hasBytes(second.id)).toBe(false)
  })
})

describe('an upload that is erased while a worker has it', () => {
  const judgement: Judgement = {
    width: 4,
    height: 3,
    verdicts: [verdict],
    embeddings: flagged.embeddings ?? [],
    missing: [],
    timingsMs: { decode: 1, inference: 1, decide: 1 },
  }

  /** The real processor, whose judge erases the upload in the middle of judging it. */
  function processor(id: string, then: () => Judgement) {
    return createUploadProcessor({
      store: api.uploads,
      blobs: createFsBlobStore({ dir: api.blobs }),
      judge: {
        judge: async () => {
          expect((await erase(id)).status).toBe(204)
          return then()
        },
      },
      decoders: 1,
      model: { id: 'embedded', revision: 'a'.repeat(64) },
      metrics: createMetrics(),
      log: silentLogger(),
    })
  }

  test.each<[string, () => Judgement]>([
    ['comes to its end', () => judgement],
    [
      'finds the bytes gone',
      () => {
        throw new AppError('undecodable', 'the file is not there')
      },
    ],
  ])('stays erased when the attempt %s, and its job ends quietly', async (_what, then) => {
    const { id } = await submit()
    await processor(id, then)({ uploadId: id, enqueuedAt: Date.now(), failures: 0 })
    expect(await about(id)).toEqual(nothing)
    expect((await read(id)).status).toBe(410)
  })

  test('is not tried again when its decoder died', async () => {
    const { id } = await submit()
    const handle = processor(id, () => {
      throw new AppError('decoder-failed', 'killed')
    })
    await expect(handle({ uploadId: id, enqueuedAt: Date.now(), failures: 0 })).rejects.toThrow('killed')
    await handle({ uploadId: id, enqueuedAt: Date.now(), failures: 1 })
    expect(await about(id)).toEqual(nothing)
    expect(await api.uploads.pendingIds({ olderThanMs: 0, limit: 1000 })).not.toContain(id)
  })

  test('leaves nothing, whichever of the two comes first', async () => {
    const uploads = await Promise.all(Array.from({ length: 20 }, () => submit()))
    await Promise.all(
      uploads.map(async ({ id }, i) => {
        const claimed = await api.uploads.claim(id)
        if (!claimed) throw new Error('not pending')
        const conclusion: Conclusion = { action: 'flag', reasonCodes: [], verdicts: [], embeddings: [], timings: {}, ...flagged }
        const both = [() => api.uploads.conclude(claimed, conclusion), () => erase(id)]
        await Promise.all((i % 2 ? both : both.reverse()).map((act) => act()))
      }),
    )
    for (const { id } of uploads) expect(await about(id)).toEqual(nothing)
    const text = await databaseText(api.database)
    for (const { mark } of uploads) expect(text).not.toContain(mark)
    expect((await Promise.all(uploads.map(({ id }) => hasBytes(id)))).filter(Boolean)).toEqual([])
  })
})

describe('the audit log over HTTP', () => {
  type Page = { items: { seq: number; subject: string; action: string; actor: object; hash: string }[]; next_cursor?: string }
  const audit = async (query = '', key = api.key) =>
    (await (await api.call(`/v1/audit${query}`, { headers: { authorization: `Bearer ${key}` } })).json()) as Page

  test('tells which key erased an upload', async () => {
    const { id } = await submit()
    const { id: keyId, secret } = await api.keys.create({ tenant: 'default', name: 'the shop', scopes: ['intake'] })
    await erase(id, secret)
    const { items } = await audit(`?subject=${id}`)
    expect(items).toMatchObject([
      {
        action: 'upload.erase',
        subject: id,
        tenant: 'default',
        actor: { kind: 'key', id: keyId, name: 'the shop' },
        details: {},
      },
    ])
  })

  test('comes page by page, newest first', async () => {
    const seen: number[] = []
    let cursor: string | undefined
    do {
      const page = await audit(`?action=key.create&limit=2${cursor ? `&cursor=${cursor}` : ''}`)
      seen.push(...page.items.map(({ seq }) => seq))
      cursor = page.next_cursor
    } while (cursor)
    expect(seen.length).toBeGreaterThan(2)
    expect(seen).toEqual(seen.toSorted((a, b) => b - a))
    expect(seen).toEqual((await audit('?action=key.create&limit=200')).items.map(({ seq }) => seq))
  })

  test('is for admins, each of their tenant', async () => {
    const elsewhere = await api.createKey(['admin'], 'elsewhere')
    expect((await audit('', elsewhere)).items).toMatchObject([{ tenant: 'elsewhere', action: 'key.create' }])
    const reviewer = await api.createKey(['review', 'intake'])
    expect((await api.call('/v1/audit', { headers: { authorization: `Bearer ${reviewer}` } })).status).toBe(403)
    for (const query of ['cursor=x', 'action=%00', 'subject=%00']) expect((await api.call(`/v1/audit?${query}`)).status).toBe(400)
  })

  test('is whole after all that', async () => {
    const direct = openDatabase({ url: api.database.url, schema: 'pixwarden', pool: 1, log: silentLogger() })
    const report = await verifyAuditLog(direct)
    await direct.close()
    expect(report).toMatchObject({ ok: true, rows: expect.any(Number) })
  })
})
