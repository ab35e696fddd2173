import { v4 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PolicyVerdict } from '../../services/core/domain/decide.ts'
import type { Conclusion, Decision } from '../../services/core/domain/decision.ts'
import { canonicalPolicy, type LoadedPolicy } from '../../services/core/domain/policy.ts'
import { createPgUploadStore } from '../../services/core/infra/pg-upload-store.ts'
import type { ClaimedUpload, UploadStore } from '../../services/core/infra/upload-store.ts'
import { newConclusion, newUpload, openTestStore, type TestStore } from '../support/test-store.ts'

const verdict = (id: string, action: PolicyVerdict['action'] = 'approve', mode: PolicyVerdict['mode'] = 'enforce') => ({
  id,
  version: 'v'.repeat(64),
  mode,
  action,
  rules: [
    { id: 'z', action, matched: action !== 'approve', score: 0.123456789012345, threshold: 0.6, prompt: 'a photo of "x".' },
    { id: 'a', action: 'flag' as const, matched: false, error: 'no threshold' },
  ],
})

/** Everything that a conclusion can hold. */
const full: Conclusion = newConclusion({
  action: 'flag',
  reasonCodes: ['snakes', 'animals'],
  verdicts: [verdict('snakes', 'flag'), verdict('animals', 'flag'), verdict('shadowy', 'reject', 'shadow')],
  model: { id: 'embedded', revision: 'r'.repeat(64) },
  embeddings: [
    { view: 'full', embedding: Float32Array.of(0.6, -0.8) },
    { view: 'on-black', embedding: Float32Array.of(1, 0) },
  ],
  detail: 'missing views: frame-12',
  timings: { queue: 1.23456, fetch: 0.5, decode: 6, inference: 21, decide: 0.1 },
})

describe('the upload store', () => {
  let opened: TestStore
  let store: UploadStore
  beforeAll(async () => {
    opened = await openTestStore()
    store = createPgUploadStore(opened.database)
  })
  afterAll(() => opened?.close())

  const query = async (sql: string, ...values: unknown[]) => (await opened.server.query(sql, values)).rows
  const count = async (table: string, id: string) =>
    Number((await query(`SELECT count(*) FROM pixwarden.${table} WHERE upload_id = $1`, id))[0].count)

  async function insert(values: Parameters<typeof newUpload>[0] = {}) {
    const upload = newUpload(values)
    await store.insert(upload)
    return upload
  }
  async function claim(id: string): Promise<ClaimedUpload> {
    const claimed = await store.claim(id)
    if (!claimed) throw new Error('there is nothing to claim')
    return claimed
  }
  async function decide(conclusion = newConclusion(), values: Parameters<typeof newUpload>[0] = {}): Promise<string> {
    const { id } = await insert(values)
    await store.conclude(await claim(id), conclusion)
    return id
  }

  test('an upload is pending until it is decided, and shows what came with it', async () => {
    const upload = await insert({
      source: 'shop',
      externalId: 'ad-7',
      uploader: 'member-7',
      metadata: { b: [1, null], a: 'ä' },
      width: 4,
      height: 3,
    })
    expect(await store.find('default', upload.id)).toEqual({
      id: upload.id,
      external_id: 'ad-7',
      source: 'shop',
      uploader: 'member-7',
      metadata: { b: [1, null], a: 'ä' },
      image: { sha256: upload.sha256, mime: 'image/png', width: 4, height: 3, byte_size: 68 },
      received_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      status: 'pending',
    })
  })

  test('an upload is nobody else’s, and an id that is none is no upload', async () => {
    const { id } = await insert()
    expect(await store.find('other', id)).toBeUndefined()
    expect(await store.find('default', uuid())).toBeUndefined()
    expect(await store.find('default', 'x')).toBeUndefined()
  })

  test('claiming counts attempts and hands out all that was stored; unclaiming takes the last one back', async () => {
    const upload = await insert({ source: 's', width: 4, height: 3 })
    expect(await claim(upload.id)).toEqual({
      ...upload,
      externalId: undefined,
      uploader: undefined,
      metadata: undefined,
      keepImage: true,
      attempts: 1,
      receivedAt: expect.any(Date),
    })
    expect((await claim(upload.id)).attempts).toBe(2)
    await store.unclaim(upload.id)
    expect((await claim(upload.id)).attempts).toBe(2)
  })

  test('what is decided or unknown cannot be claimed', async () => {
    expect(await store.claim(await decide())).toBeUndefined()
    expect(await store.claim(uuid())).toBeUndefined()
  })

  test('a conclusion is stored with everything it rests on', async () => {
    const id = await decide(full)
    expect(await store.find('default', id)).toMatchObject({
      status: 'decided',
      action: 'flag',
      recommendation: { action: 'review', reason_codes: ['snakes', 'animals'] },
      policies: [verdict('animals', 'flag'), verdict('shadowy', 'reject', 'shadow'), verdict('snakes', 'flag')],
      model: full.model,
      detail: 'missing views: frame-12',
      timings_ms: { queue: 1.23, fetch: 0.5, decode: 6, inference: 21, decide: 0.1 },
    })
    const embeddings = await query(
      'SELECT view, vector, tenant, sign FROM pixwarden.embeddings WHERE upload_id = $1 ORDER BY view',
      id,
    )
    const floats = embeddings.map(({ view, vector }) => [view, vector.readFloatLE(0), vector.readFloatLE(4), vector.length])
    expect(floats).toEqual([
      ['full', Math.fround(0.6), Math.fround(-0.8), 8],
      ['on-black', 1, 0, 8],
    ])
    expect(embeddings).toMatchObject([
      { tenant: 'default', sign: '01' },
      { tenant: 'default', sign: '00' },
    ])
  })

  test('of an upload that is not to be stored only the decision is kept', async () => {
    const id = await decide(full, { keepImage: false })
    expect(await store.find('default', id)).toMatchObject({ action: 'flag', model: full.model })
    expect([await count('embeddings', id), await count('decisions', id), await count('reviews', id)]).toEqual([0, 3, 1])
  })

  test('the event is, byte for byte, what a caller is shown', async () => {
    const quoting = newConclusion({ action: 'flag', detail: 'damaged: \0 \ud83d é' })
    for (const conclusion of [full, newConclusion(), quoting]) {
      const id = await decide(conclusion, { metadata: { zebra: 1, a: { y: 1, x: 2 } }, source: 'shop' })
      const [event] = await query("SELECT * FROM pixwarden.events WHERE upload_id = $1 AND type = 'upload.decided'", id)
      const shown = JSON.stringify(await store.find('default', id))
      const { decided_at } = JSON.parse(shown)
      expect(event.body).toBe(`{"type":"upload.decided","timestamp":"${decided_at}","data":${shown}}`)
      expect(event.created_at.toISOString()).toBe(decided_at)
    }
  })

  test('twenty workers that conclude at once come to one outcome', async () => {
    const { id } = await insert()
    const upload = await claim(id)
    const stores = Array.from({ length: 10 }, () => createPgUploadStore(opened.database))
    const outcomes = await Promise.all(
      [...stores, ...stores].map((each, i) =>
        each.conclude(upload, i % 2 === 0 ? full : newConclusion({ verdicts: [verdict('p')] })),
      ),
    )
    expect(outcomes.filter(Boolean)).toHaveLength(1)
    const won = outcomes.indexOf(true)
    expect(await store.find('default', id)).toMatchObject({ action: won % 2 === 0 ? 'flag' : 'approve' })
    expect(await count('events', id)).toBe(won % 2 === 0 ? 2 : 1)
    expect(await count('decisions', id)).toBe(won % 2 === 0 ? 3 : 1)
    expect(await count('embeddings', id)).toBe(won % 2 === 0 ? 2 : 0)
    expect(await count('reviews', id)).toBe(won % 2 === 0 ? 1 : 0)
  })

  test('uploads that are concluded together each come to their own outcome, also when one cannot be stored', async () => {
    const uploads = await Promise.all(Array.from({ length: 6 }, async () => claim((await insert()).id)))
    const bad = newConclusion({ verdicts: [verdict('p'), verdict('p')] })
    const concluded = await Promise.allSettled(
      uploads.map((upload, i) => store.conclude(upload, i === 2 ? bad : i % 2 === 0 ? full : newConclusion())),
    )
    expect(concluded.map(({ status }) => status === 'fulfilled')).toEqual([true, true, false, true, true, true])
    const found = await Promise.all(uploads.map(({ id }) => store.find('default', id)))
    expect(found.map((view) => (view?.status === 'decided' ? view.action : view?.status))).toEqual([
      'flag',
      'approve',
      'pending',
      'approve',
      'flag',
      'approve',
    ])
    expect(await Promise.all(uploads.map(({ id }) => count('events', id)))).toEqual([2, 1, 0, 1, 2, 1])
  })

  test('what is not approved is opened for review, what is approved is not', async () => {
    const [flagged, rejected, approved] = [
      await decide(full),
      await decide(newConclusion({ action: 'reject' })),
      await decide(newConclusion()),
    ]
    const reviews = await query('SELECT upload_id, state, tenant FROM pixwarden.reviews WHERE upload_id = ANY ($1)', [
      flagged,
      rejected,
      approved,
    ])
    expect(reviews).toHaveLength(2)
    expect(reviews).toEqual(
      expect.arrayContaining([flagged, rejected].map((upload_id) => ({ upload_id, state: 'open', tenant: 'default' }))),
    )
  })

  test('a review that is opened is an event of its own, which names the upload as its platform does', async () => {
    const id = await decide(full, { externalId: 'ad-7', source: 'shop', uploader: 'member-7', metadata: { seller: 3 } })
    const [review] = await query('SELECT id FROM pixwarden.reviews WHERE upload_id = $1', id)
    const { decided_at } = (await store.find('default', id)) as Decision
    const events = await query('SELECT type, body FROM pixwarden.events WHERE upload_id = $1 ORDER BY id', id)
    expect(events.map(({ type }) => type)).toEqual(['upload.decided', 'review.opened'])
    expect(JSON.parse(events[1].body)).toEqual({
      type: 'review.opened',
      timestamp: decided_at,
      data: {
        id: review.id,
        state: 'open',
        origin: 'decision',
        upload: { id, external_id: 'ad-7', source: 'shop', uploader: 'member-7', metadata: { seller: 3 } },
        action: 'flag',
        reason_codes: ['snakes', 'animals'],
        opened_at: decided_at,
      },
    })
  })

  test('a conclusion that cannot be stored leaves the upload pending', async () => {
    const { id } = await insert()
    const twice = newConclusion({ verdicts: [verdict('p'), verdict('p')] })
    await expect(store.conclude(await claim(id), twice)).rejects.toThrow('decisions_pkey')
    expect(await store.find('default', id)).toMatchObject({ status: 'pending' })
    expect(await count('events', id)).toBe(0)
  })

  test('policies are kept, once, under the version that is the hash of their text', async () => {
    const policy: LoadedPolicy = {
      id: 'p',
      title: 'T',
      mode: 'enforce',
      templates: ['a photo of {}.'],
      rules: [{ id: 'r', concepts: ['a cat'], contrast: [], score: 'softmax', thresholds: { '*': { flag: 0.6 } } }],
      tests: [],
      file: 'p.yaml',
      version: uuid(),
    }
    await store.recordPolicyVersions([policy, { ...policy, version: uuid() }])
    await store.recordPolicyVersions([policy])
    await store.recordPolicyVersions([])
    const rows = await query('SELECT policy_id, body::text FROM pixwarden.policy_versions WHERE version = $1', policy.version)
    expect(rows).toEqual([{ policy_id: 'p', body: canonicalPolicy(policy) }])
  })

  describe('decisions', () => {
    const walk = async (tenant: string, filter: Parameters<UploadStore['listDecisions']>[1], limit: number) => {
      const seen: string[] = []
      let cursor: string | undefined
      do {
        const page = await store.listDecisions(tenant, filter, { cursor, limit })
        seen.push(...page.items.map(({ id }) => id))
        cursor = page.nextCursor
      } while (cursor !== undefined)
      return seen
    }

    test('come newest first, in pages that new decisions do not shift', async () => {
      const tenant = 'paging'
      const at = new Date('2026-01-01T00:00:00Z')
      const clocked = createPgUploadStore(opened.database, { now: () => at })
      const decideAt = async (ms: number) => {
        at.setTime(Date.UTC(2026, 0, 1) + ms)
        const { id } = await insert({ tenant })
        await clocked.conclude(await claim(id), newConclusion())
        return id
      }
      const old = [await decideAt(1), await decideAt(2), await decideAt(2), await decideAt(2), await decideAt(3)]
      const first = await store.listDecisions(tenant, {}, { limit: 2 })
      await decideAt(9)
      const second = await store.listDecisions(tenant, {}, { limit: 2, cursor: first.nextCursor })
      const third = await store.listDecisions(tenant, {}, { limit: 2, cursor: second.nextCursor })
      expect(third.nextCursor).toBeUndefined()
      const seen = [first, second, third].flatMap(({ items }) => items)
      expect(seen.map(({ id }) => id).sort()).toEqual(old.sort())
      expect(seen.map(({ decided_at }) => decided_at)).toEqual(
        seen
          .map(({ decided_at }) => decided_at)
          .sort()
          .reverse(),
      )
      expect((await walk(tenant, {}, 3)).length).toBe(6)
      expect(await walk(tenant, {}, 6)).toEqual(await walk(tenant, {}, 1))
      expect(await walk(tenant, { since: new Date(Date.UTC(2026, 0, 1) + 3) }, 10)).toHaveLength(2)
    })

    test('are filtered by action and by what a policy did not approve, and are the tenant’s own', async () => {
      const tenant = 'filters'
      const approved = await decide(newConclusion({ verdicts: [verdict('animals'), verdict('shadowy', 'flag', 'shadow')] }), {
        tenant,
      })
      const flagged = await decide({ ...full, verdicts: [verdict('animals', 'flag')] }, { tenant })
      const rejected = await decide(newConclusion({ action: 'reject', verdicts: [verdict('animals', 'reject')] }), { tenant })
      await insert({ tenant })
      expect(await walk(tenant, {}, 10)).toEqual(expect.arrayContaining([rejected, flagged, approved]))
      expect(await walk(tenant, {}, 10)).toHaveLength(3)
      expect(await walk(tenant, { action: 'approve' }, 10)).toEqual([approved])
      expect(await walk(tenant, { policy: 'animals' }, 10)).toEqual(expect.arrayContaining([rejected, flagged]))
      expect(await walk(tenant, { policy: 'shadowy' }, 10)).toEqual([approved])
      expect(await walk(tenant, { policy: 'animals', action: 'reject' }, 10)).toEqual([rejected])
      expect(await walk(tenant, { policy: 'none' }, 10)).toEqual([])
      expect(await walk('nobody', {}, 10)).toEqual([])
      const { items } = await store.listDecisions(tenant, { action: 'flag' }, { limit: 1 })
      expect(JSON.stringify(items[0])).toBe(JSON.stringify((await store.find(tenant, flagged)) as Decision))
    })

    test.each(['x', 'AAAA', Buffer.from('2026-01-01T00:00:00.000Z x').toString('base64url'), ''])(
      'refuse the cursor %j, which is not ours',
      async (cursor) => {
        await expect(store.listDecisions('default', {}, { cursor, limit: 1 })).rejects.toMatchObject({ code: 'invalid-request' })
      },
    )
  })
})

describe('what waits', () => {
  let opened: TestStore
  beforeAll(async () => {
    opened = await openTestStore()
  })
  afterAll(() => opened?.close())

  test('is counted and listed oldest first, in pages, by how long it has waited', async () => {
    const store = createPgUploadStore(opened.database)
    expect(await store.backlog({ overdueMs: 0 })).toEqual({ overdue: 0, oldestSeconds: 0 })
    expect(await store.pendingCount({ olderThanMs: 0 })).toBe(0)
    const uploads = Array.from({ length: 5 }, () => newUpload())
    for (const upload of uploads) await store.insert(upload)
    const [oldest, , decided] = uploads.map(({ id }) => id)
    await opened.server.query("UPDATE pixwarden.uploads SET received_at = now() - interval '1 minute' WHERE id = $1", [oldest])
    const claimed = await store.claim(decided ?? '')
    if (claimed) await store.conclude(claimed, newConclusion())

    const waiting = uploads.map(({ id }) => id).filter((id) => id !== decided)
    const first = await store.pendingIds({ olderThanMs: 0, limit: 2 })
    const rest = await store.pendingIds({ olderThanMs: 0, limit: 10, after: first.at(-1) })
    expect(first[0]).toBe(oldest)
    expect([...first, ...rest].sort()).toEqual(waiting.sort())
    expect(await store.pendingIds({ olderThanMs: 30_000, limit: 10 })).toEqual([oldest])
    expect(await store.pendingCount({ olderThanMs: 30_000 })).toBe(1)
    expect(await store.pendingCount({ olderThanMs: 0 })).toBe(4)
    const { overdue, oldestSeconds } = await store.backlog({ overdueMs: 30_000 })
    expect(overdue).toBe(1)
    expect(oldestSeconds).toBeGreaterThanOrEqual(60)
    expect(oldestSeconds).toBeLessThan(90)
  })
})
