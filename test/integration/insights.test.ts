import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PolicyVerdict, RuleResult } from '../../services/core/domain/decide.ts'
import type { Conclusion } from '../../services/core/domain/decision.ts'
import type { Overview } from '../../services/core/domain/overview.ts'
import type { UploaderHistory } from '../../services/core/domain/past-upload.ts'
import type { Action, Mode } from '../../services/core/domain/policy.ts'
import { startApi, type TestApi } from '../support/api.ts'
import { newUpload } from '../support/test-store.ts'
import { waitFor } from '../support/wait-for.ts'

const SHADOWY = `id: shadowy
title: In shadow
mode: shadow
rules:
  - id: near
    concepts: [a cat]
    score: cosine
    thresholds: { embedded: { flag: 0.3 }, default: { flag: 0.9 } }
`

let api: TestApi
let animals: string
let shadowy: string
beforeAll(async () => {
  api = await startApi()
  await writeFile(path.join(api.policies, 'shadowy.yaml'), SHADOWY)
  const versionOf = async (id: string) => ((await get(`/v1/policies/${id}`)) as { version?: string }).version
  shadowy = await waitFor(() => versionOf('shadowy'), { what: 'the policy to be active' })
  animals = (await versionOf('animals')) ?? ''
})
afterAll(() => api?.discard())

const sql = async (text: string, ...values: unknown[]) =>
  (await api.database.query(text.replaceAll('@', 'pixwarden.'), values)).rows
/** Each test has a tenant of its own. */
const someTenant = () => `tenant-${uuidv7()}`
const keys = new Map<string, string>()

async function ask(route: string, tenant = 'default'): Promise<Response> {
  const key = keys.get(tenant) ?? (await api.createKey(['review'], tenant))
  keys.set(tenant, key)
  return api.call(route, { headers: { authorization: `Bearer ${key}` } })
}
const get = async (route: string, tenant?: string) => (await ask(route, tenant)).json() as Promise<unknown>

const MODEL = { id: 'embedded', revision: 'a'.repeat(64) }

function ruleResult(id: string, action: Action, score?: number): RuleResult {
  if (score === undefined) return { id, action, matched: false, error: 'no score' }
  return { id, action, matched: action !== 'approve', score, threshold: 0.6, prompt: 'a photo of a cat.', view: 'full' }
}
const verdictOf = (
  id: string,
  version: string,
  action: Action,
  rules: RuleResult[],
  mode: Exclude<Mode, 'off'> = 'enforce',
): PolicyVerdict => ({
  id,
  version,
  mode,
  action,
  rules,
})
const animal = (action: Action, score?: number) => verdictOf('animals', animals, action, [ruleResult('animal', action, score)])

type Given = Partial<Conclusion> & { uploader?: string; agoSeconds?: number; tookMs?: number; id?: string }

/** An upload that was decided so long ago. */
async function decide(
  tenant: string,
  { uploader, agoSeconds = 0, tookMs = 100, id = uuidv7(), ...conclusion }: Given,
): Promise<string> {
  await api.uploads.insert(newUpload({ id, tenant, uploader }))
  await api.conclude(id, { model: MODEL, ...conclusion })
  await sql(
    `WITH times AS (SELECT now() - $2 * interval '1 second' AS at), moved AS (UPDATE @decisions SET decided_at = at FROM times WHERE upload_id = $1)
    UPDATE @uploads SET decided_at = at, received_at = at - $3 * interval '1 millisecond' FROM times WHERE id = $1`,
    id,
    agoSeconds,
    tookMs,
  )
  return id
}

async function resolve(id: string, action: 'approve' | 'reject', { handledSeconds = 10, agoSeconds = 0 } = {}): Promise<void> {
  await sql(
    `UPDATE @reviews SET state = 'resolved', resolution = $2, reason_code = 'looked', lease_until = NULL,
      resolved_at = now() - $4 * interval '1 second', claimed_at = now() - ($3::int + $4) * interval '1 second' WHERE upload_id = $1`,
    id,
    action,
    handledSeconds,
    agoSeconds,
  )
}

const flagged: Given = { action: 'flag', reasonCodes: ['animals'] }

describe('the overview', () => {
  const overview = (tenant: string, window = '1h') => get(`/v1/overview?window=${window}`, tenant) as Promise<Overview>

  test('of a tenant in which nothing has happened is all zeros', async () => {
    const found = await overview(someTenant())
    expect(found).toMatchObject({
      window: '1h',
      bucket_seconds: 60,
      sampled: false,
      totals: { received: 0, decided: 0, approve: 0, flag: 0, reject: 0, undecodable: 0 },
      pending: { count: 0 },
      throughput_per_minute: 0,
      latency_ms: {},
      reviews: { open: 0, claimed: 0, resolved: 0, upheld: 0, overturned: 0 },
    })
    expect(found.series).toHaveLength(60)
    expect(found.policies).toMatchObject([
      { id: 'animals', mode: 'enforce', approve: 0, flag: 0, reject: 0 },
      { id: 'shadowy', mode: 'shadow' },
    ])
  })

  test('counts what was decided, what waits, what does not decode and how long it took', async () => {
    const tenant = someTenant()
    await decide(tenant, { action: 'approve', tookMs: 50, verdicts: [animal('approve', 0.1)] })
    await decide(tenant, { ...flagged, tookMs: 200, verdicts: [animal('flag', 0.7)] })
    await decide(tenant, { action: 'reject', reasonCodes: ['animals'], tookMs: 400, verdicts: [animal('reject', 0.99)] })
    await decide(tenant, { action: 'flag', reasonCodes: ['undecodable'], tookMs: 800 })
    const waiting = newUpload({ tenant })
    await api.uploads.insert(waiting)
    await sql("UPDATE @uploads SET received_at = now() - interval '30 seconds' WHERE id = $1", waiting.id)
    await decide('another', { action: 'approve' })

    const { totals, pending, latency_ms, series, throughput_per_minute } = await overview(tenant)
    expect(totals).toEqual({ received: 5, decided: 4, approve: 1, flag: 2, reject: 1, undecodable: 1 })
    expect(pending).toEqual({ count: 1, oldest_seconds: expect.closeTo(30, 0) })
    expect(latency_ms.p50).toBeCloseTo(200, -1)
    expect(latency_ms.p99).toBeCloseTo(800, -1.5)
    expect(throughput_per_minute).toBeCloseTo(4 / 60, 2)
    const sum = (action: Action) => series.reduce((all, bucket) => all + bucket[action], 0)
    expect([sum('approve'), sum('flag'), sum('reject')]).toEqual([1, 2, 1])
  })

  test('has what lies in its window, and nothing before', async () => {
    const tenant = someTenant()
    const minute = 60
    const hour = 60 * minute
    const day = 24 * hour
    for (const agoSeconds of [58 * minute, 61 * minute, 23 * hour, 25 * hour, 6 * day, 8 * day, 28 * day, 31 * day])
      await decide(tenant, { action: 'approve', agoSeconds })
    const decided = await Promise.all(
      ['1h', '24h', '7d', '30d'].map(async (window) => (await overview(tenant, window)).totals.decided),
    )
    expect(decided).toEqual([1, 3, 5, 7])
    const { totals, series, from } = await overview(tenant, '24h')
    expect(totals.received).toBe(3)
    expect(series[0]?.at).toBe(from)
  })

  test('counts an upload as received in the window in which it came', async () => {
    const tenant = someTenant()
    await decide(tenant, { action: 'approve', tookMs: 2 * 3600_000 })
    expect((await overview(tenant)).totals).toMatchObject({ received: 0, decided: 1 })
    expect((await overview(tenant, '24h')).totals).toMatchObject({ received: 1, decided: 1 })
  })

  test('shows each policy’s own verdicts, in shadow too, and those of one that is gone', async () => {
    const tenant = someTenant()
    const gone = {
      id: 'gone',
      version: 'c'.repeat(64),
      title: '',
      mode: 'enforce',
      templates: [],
      rules: [],
      tests: [],
      file: '',
    } as const
    await api.uploads.recordPolicyVersions([{ ...gone, templates: [], rules: [], tests: [] }])
    const inShadow = (action: Action) => verdictOf('shadowy', shadowy, action, [ruleResult('near', action, 0.4)], 'shadow')
    const byGone = verdictOf('gone', gone.version, 'approve', [])
    await decide(tenant, { action: 'approve', verdicts: [animal('approve', 0.2), inShadow('flag'), byGone] })
    await decide(tenant, { action: 'approve', verdicts: [animal('approve', 0.2), inShadow('reject')] })
    await decide(tenant, { ...flagged, verdicts: [animal('flag', 0.7), inShadow('approve')] })
    const { policies, totals } = await overview(tenant)
    expect(totals).toMatchObject({ approve: 2, flag: 1, reject: 0 })
    expect(policies).toMatchObject([
      { id: 'animals', mode: 'enforce', approve: 2, flag: 1, reject: 0 },
      { id: 'gone', mode: 'off', approve: 1, flag: 0, reject: 0 },
      { id: 'shadowy', mode: 'shadow', approve: 1, flag: 1, reject: 1 },
    ])
    expect(policies[2]?.series.reduce((sum, { flag, reject }) => sum + flag + reject, 0)).toBe(2)
  })

  test('goes on counting what was erased', async () => {
    const tenant = someTenant()
    const id = await decide(tenant, { ...flagged, verdicts: [animal('flag', 0.7)] })
    await decide(tenant, { action: 'approve' })
    await api.uploads.erase(tenant, id, { kind: 'system', id: 'test', name: 'test' })
    const { totals, series, policies } = await overview(tenant)
    expect(totals).toMatchObject({ received: 2, decided: 2, flag: 1 })
    expect(series.reduce((sum, { flag }) => sum + flag, 0)).toBe(1)
    expect(policies[0]).toMatchObject({ flag: 0 })
  })

  test('tells how reviews stand, and how often people came to what the machine did', async () => {
    const tenant = someTenant()
    const upheld = await decide(tenant, flagged)
    const overturned = await decide(tenant, { action: 'reject', reasonCodes: ['animals'] })
    const unjudged = await decide(tenant, { action: 'flag', reasonCodes: ['undecodable'] })
    const longAgo = await decide(tenant, flagged)
    const held = await decide(tenant, flagged)
    const lapsed = await decide(tenant, flagged)
    await decide(tenant, flagged)
    await resolve(upheld, 'reject', { handledSeconds: 4 })
    await resolve(overturned, 'approve', { handledSeconds: 6 })
    await resolve(unjudged, 'approve', { handledSeconds: 50 })
    await resolve(longAgo, 'reject', { agoSeconds: 7200 })
    for (const [id, lease] of [
      [held, 60],
      [lapsed, -60],
    ] as const)
      await sql(
        "UPDATE @reviews SET state = 'claimed', lease_until = now() + $2 * interval '1 second' WHERE upload_id = $1",
        id,
        lease,
      )
    await sql("UPDATE @reviews SET opened_at = now() - interval '90 seconds' WHERE upload_id = $1", lapsed)
    expect((await overview(tenant)).reviews).toEqual({
      open: 2,
      claimed: 1,
      oldest_seconds: expect.closeTo(90, 0),
      resolved: 3,
      upheld: 1,
      overturned: 1,
      median_handling_seconds: expect.closeTo(6, 1),
    })
  })

  test('keeps up: what is decided now is counted within seconds', async () => {
    const tenant = someTenant()
    expect((await overview(tenant)).totals.decided).toBe(0)
    await decide(tenant, { action: 'approve' })
    await waitFor(async () => (await overview(tenant)).totals.decided === 1, { what: 'the decision to be counted' })
  })

  test('is for reviewers, and of the windows that there are', async () => {
    const intake = await api.createKey(['intake'])
    expect((await api.call('/v1/overview', { headers: { authorization: `Bearer ${intake}` } })).status).toBe(403)
    expect((await ask('/v1/overview?window=2h')).status).toBe(400)
    expect(await get('/v1/overview')).toMatchObject({ window: '24h' })
  })
})

describe('the scores of a policy', () => {
  type Scores = {
    version: string
    model?: string
    sampled: boolean
    rules: {
      id: string
      thresholds: object
      total: number
      errored: number
      buckets: { from: number; to: number; count: number }[]
    }[]
  }
  const scores = (tenant: string, policy = 'animals', window = '24h') =>
    get(`/v1/policies/${policy}/scores?window=${window}`, tenant) as Promise<Scores>

  test('are a histogram with the thresholds that hold, of the active version only', async () => {
    const tenant = someTenant()
    for (const score of [0.01, 0.61, 0.62, 1]) await decide(tenant, { action: 'flag', verdicts: [animal('flag', score)] })
    await decide(tenant, { action: 'flag', verdicts: [animal('flag')] })
    await decide(tenant, { action: 'flag', verdicts: [{ ...animal('flag', 0.9), version: 'd'.repeat(64) }] })
    await decide(tenant, { action: 'flag', verdicts: [animal('flag', 0.9)], agoSeconds: 90_000 })
    const found = await scores(tenant)
    expect(found).toMatchObject({ policy: 'animals', version: animals, model: 'embedded', sampled: false, limit: 20_000 })
    const [rule] = found.rules
    expect(rule).toMatchObject({ id: 'animal', thresholds: { flag: 0.6, reject: 0.98 }, total: 4, errored: 1 })
    expect(rule?.buckets.filter(({ count }) => count > 0)).toEqual([
      { from: 0, to: 0.025, count: 1 },
      { from: 0.6, to: 0.625, count: 2 },
      { from: 0.975, to: 1, count: 1 },
    ])
  })

  test('of cosines span what there is, with the thresholds of the model that made them', async () => {
    const tenant = someTenant()
    for (const score of [-0.05, 0.2, 0.35])
      await decide(tenant, {
        action: 'approve',
        verdicts: [verdictOf('shadowy', shadowy, 'approve', [ruleResult('near', 'approve', score)], 'shadow')],
      })
    const [rule] = (await scores(tenant, 'shadowy')).rules
    expect(rule).toMatchObject({ thresholds: { flag: 0.3 }, total: 3 })
    expect(rule?.buckets).toHaveLength(40)
    expect(rule?.buckets[0]?.from).toBeCloseTo(-0.05)
    expect(rule?.buckets.at(-1)?.to).toBeGreaterThan(0.35)
  })

  test('are none where nothing was judged, and of no policy that is not there', async () => {
    const found = await scores(someTenant(), 'shadowy')
    expect(found.rules).toEqual([{ id: 'near', thresholds: { flag: 0.9 }, total: 0, errored: 0, buckets: [] }])
    expect((await ask('/v1/policies/none/scores')).status).toBe(404)
  })
})

describe('trying other thresholds', () => {
  type Answer = {
    considered: number
    thresholds: object
    now: object
    then: object
    newly: { upload_id: string; score: number; has_image: boolean }[]
    no_longer: { upload_id: string }[]
  }
  const tryOut = (tenant: string, query: string) =>
    get(`/v1/policies/animals/what-if?rule=animal&${query}`, tenant) as Promise<Answer>
  let tenant: string
  const ids: Record<string, string> = {}

  beforeAll(async () => {
    tenant = someTenant()
    const put = async (name: string, given: Given) => {
      ids[name] = await decide(tenant, given)
    }
    await put('at 0.5', { action: 'approve', verdicts: [animal('approve', 0.5)] })
    await put('at 0.3', { action: 'approve', verdicts: [animal('approve', 0.3)] })
    await put('flagged', { ...flagged, verdicts: [animal('flag', 0.7)] })
    await put('rejected', { action: 'reject', reasonCodes: ['animals'], verdicts: [animal('reject', 0.99)] })
    await put('errored', { ...flagged, verdicts: [animal('flag')] })
    await put('by another rule', {
      ...flagged,
      verdicts: [verdictOf('animals', animals, 'flag', [ruleResult('animal', 'flag', 0.65), ruleResult('second', 'flag', 0.8)])],
    })
    await put('old version', { action: 'approve', verdicts: [{ ...animal('approve', 0.5), version: 'e'.repeat(64) }] })
    await put('elsewhere', {
      action: 'approve',
      verdicts: [verdictOf('shadowy', shadowy, 'approve', [ruleResult('animal', 'approve', 0.5)])],
    })
    await put('erased', { action: 'approve', verdicts: [animal('approve', 0.5)] })
    await api.uploads.erase(tenant, ids.erased ?? '', { kind: 'system', id: 'test', name: 'test' })
    await sql('UPDATE @uploads SET blob_key = NULL WHERE id = $1', ids['at 0.3'])
    await decide(someTenant(), { action: 'approve', verdicts: [animal('approve', 0.5)] })
  })

  test('that are lower shows what would be flagged then, at the threshold itself too', async () => {
    const answer = await tryOut(tenant, 'flag=0.5')
    expect(answer).toMatchObject({
      considered: 6,
      version: animals,
      sampled: false,
      thresholds: { flag: 0.5, reject: 0.98 },
      now: { approve: 2, flag: 3, reject: 1 },
      no_longer: [],
    })
    expect(answer.then).toEqual({ approve: 1, flag: 4, reject: 1 })
    expect(answer.newly).toEqual([{ upload_id: ids['at 0.5'], score: 0.5, has_image: true }])
    const lower = await tryOut(tenant, 'flag=0.3')
    expect(lower.newly).toEqual([
      { upload_id: ids['at 0.3'], score: 0.3, has_image: false },
      { upload_id: ids['at 0.5'], score: 0.5, has_image: true },
    ])
  })

  test('that are higher shows what would not be flagged any more; another rule and an error still flag', async () => {
    const answer = await tryOut(tenant, 'flag=0.9&reject=none')
    expect(answer).toMatchObject({ thresholds: { flag: 0.9 }, newly: [] })
    expect(answer.then).toEqual({ approve: 3, flag: 3, reject: 0 })
    expect(answer.no_longer).toMatchObject([{ upload_id: ids.flagged, score: 0.7 }])
  })

  test('that are the same changes nothing', async () => {
    const answer = await tryOut(tenant, 'window=30d')
    expect(answer.then).toEqual(answer.now)
    expect([...answer.newly, ...answer.no_longer]).toEqual([])
  })

  test('says that nothing was considered where nothing was judged', async () => {
    const answer = await tryOut(someTenant(), 'flag=0.1')
    expect(answer.considered).toBe(0)
    expect(answer.then).toEqual({ approve: 0, flag: 0, reject: 0 })
  })

  test.each([
    ['flag=0.99', 400],
    ['flag=none&reject=none', 400],
    ['flag=x', 400],
    ['flag=3', 400],
    ['rule=no-such-rule&flag=0.5', 400],
  ])('refuses %s', async (query, status) => {
    expect(
      (await ask(`/v1/policies/animals/what-if?${query.includes('rule=') ? '' : 'rule=animal&'}${query}`, tenant)).status,
    ).toBe(status)
  })

  test('shows twenty examples, the newest', async () => {
    const many = someTenant()
    const made: string[] = []
    for (let n = 0; n < 25; n++)
      made.unshift(await decide(many, { action: 'approve', agoSeconds: 100 - n, verdicts: [animal('approve', 0.5)] }))
    const { newly } = await tryOut(many, 'flag=0.4')
    expect(newly.map(({ upload_id }) => upload_id)).toEqual(made.slice(0, 20))
  })
})

describe('the versions of a policy', () => {
  const versions = (policy: string, tenant: string) =>
    get(`/v1/policies/${policy}/versions`, tenant) as Promise<{
      items: { version: string; active: boolean; decisions: number; body: object }[]
    }>

  test('are what has judged, newest first, with what they meant and how often they decided', async () => {
    const tenant = someTenant()
    const policy = { id: 'animals', title: '', templates: ['{}'], rules: [], tests: [], file: '', mode: 'shadow' } as const
    const older = 'f'.repeat(64)
    const record = (version: string) =>
      api.uploads.recordPolicyVersions([{ ...policy, version, templates: ['{}'], rules: [], tests: [] }])
    await record(older)
    await sql("UPDATE @policy_versions SET first_seen = now() - interval '1 day' WHERE version = $1", older)
    await record(animals)
    await decide(tenant, { action: 'approve', verdicts: [animal('approve', 0.5)] })
    for (const agoSeconds of [90_000, 100_000])
      await decide(tenant, { action: 'approve', agoSeconds, verdicts: [{ ...animal('approve', 0.5), version: older }] })
    expect(await versions('animals', tenant)).toMatchObject({
      sampled: false,
      items: [
        { version: animals, active: true, decisions: 1, body: { id: 'animals', mode: 'shadow' } },
        { version: older, active: false, decisions: 2 },
      ],
    })
    expect((await versions('animals', someTenant())).items.map(({ decisions }) => decisions)).toEqual([0, 0])
  })

  test('are there for a policy that is gone, and not for one that never was', async () => {
    expect((await ask('/v1/policies/never/versions')).status).toBe(404)
    expect((await ask('/v1/policies/shadowy/versions')).status).toBe(200)
    const policy = {
      id: 'left',
      version: '9'.repeat(64),
      title: '',
      mode: 'enforce',
      templates: [],
      rules: [],
      tests: [],
      file: '',
    } as const
    await api.uploads.recordPolicyVersions([{ ...policy, templates: [], rules: [], tests: [] }])
    expect((await versions('left', 'default')).items).toMatchObject([{ active: false, decisions: 0 }])
  })
})

describe('the history of an uploader', () => {
  const history = (id: string, tenant: string) => get(`/v1/uploads/${id}/history`, tenant) as Promise<UploaderHistory>

  test('has the other uploads, what became of them, and how often the machine was right', async () => {
    const tenant = someTenant()
    const uploader = 'member-7'
    const upheld = await decide(tenant, { ...flagged, uploader })
    const overturned = await decide(tenant, { action: 'reject', reasonCodes: ['animals'], uploader })
    const approved = await decide(tenant, { action: 'approve', uploader })
    const unjudged = await decide(tenant, { action: 'flag', reasonCodes: ['undecodable'], uploader })
    await resolve(upheld, 'reject')
    await resolve(overturned, 'approve')
    await resolve(unjudged, 'reject')
    await api.uploads.insert(newUpload({ tenant, uploader }))
    await decide(tenant, { ...flagged, uploader: 'somebody-else' })
    await decide(tenant, flagged)
    await decide('another', { ...flagged, uploader })
    const asked = await decide(tenant, { ...flagged, uploader })
    const gone = await decide(tenant, { ...flagged, uploader })
    await api.uploads.erase(tenant, gone, { kind: 'system', id: 'test', name: 'test' })

    const found = await history(asked, tenant)
    expect(found).toMatchObject({
      uploader,
      totals: { uploads: 5, approve: 1, flag: 2, reject: 1, upheld: 1, overturned: 1 },
      sampled: false,
    })
    expect(found.items.map(({ upload_id }) => upload_id)).toEqual([unjudged, approved, overturned, upheld])
    expect(found.items[2]).toEqual({
      upload_id: overturned,
      action: 'reject',
      reason_codes: ['animals'],
      resolution: { action: 'approve', reason_code: 'looked', at: expect.any(String) },
      received_at: expect.any(String),
      has_image: true,
    })
    expect(found.items[1]).not.toHaveProperty('resolution')
  })

  test('is empty where the platform named nobody', async () => {
    const tenant = someTenant()
    await decide(tenant, flagged)
    const found = await history(await decide(tenant, flagged), tenant)
    expect(found).toEqual({
      totals: { uploads: 0, approve: 0, flag: 0, reject: 0, upheld: 0, overturned: 0 },
      sampled: false,
      items: [],
    })
  })

  test('shows the newest twenty, and counts them all', async () => {
    const tenant = someTenant()
    const ids: string[] = []
    for (let n = 0; n < 23; n++) ids.unshift(await decide(tenant, { action: 'approve', uploader: 'u' }))
    const [asked = '', ...others] = ids
    const { totals, items } = await history(asked, tenant)
    expect(totals.uploads).toBe(22)
    expect(items.map(({ upload_id }) => upload_id)).toEqual(others.slice(0, 20))
  })

  test('is not another tenant’s, nor an erased upload’s', async () => {
    const tenant = someTenant()
    const id = await decide(tenant, { ...flagged, uploader: 'u' })
    expect((await ask(`/v1/uploads/${id}/history`, someTenant())).status).toBe(404)
    await api.uploads.erase(tenant, id, { kind: 'system', id: 'test', name: 'test' })
    expect((await ask(`/v1/uploads/${id}/history`, tenant)).status).toBe(410)
    expect(await sql('SELECT FROM @uploads WHERE id = $1 AND uploader IS NOT NULL', id)).toEqual([])
  })
})

describe('similar uploads', () => {
  type Similar = { items: { upload_id: string; similarity: number; action: string; resolution?: object; has_image: boolean }[] }
  const similar = (id: string, tenant: string) => get(`/v1/uploads/${id}/similar`, tenant) as Promise<Similar>
  const DIM = 64
  /** A unit vector at an angle from the first axis, towards another. */
  const turned = (cosine: number, axis = 1) => {
    const vector = new Float32Array(DIM)
    vector[0] = cosine
    vector[axis] = Math.sqrt(1 - cosine * cosine)
    return vector
  }
  const seen = (embedding: Float32Array, view = 'full') => ({ embeddings: [{ view, embedding }] })

  test('are the earlier ones that are nearly the same, the most similar first, with what became of them', async () => {
    const tenant = someTenant()
    const near = await decide(tenant, { ...flagged, ...seen(turned(0.99)) })
    const same = await decide(tenant, { action: 'approve', ...seen(turned(1)) })
    await decide(tenant, { action: 'approve', ...seen(turned(0.7)) })
    await decide(tenant, { action: 'approve', embeddings: [{ view: 'frame-3', embedding: turned(1) }] })
    const transparent = await decide(tenant, { action: 'approve', ...seen(turned(0.98, 2), 'on-black') })
    await decide('another', { action: 'approve', ...seen(turned(1)) })
    await decide(tenant, { action: 'approve', ...seen(turned(1)), model: { id: 'other', revision: 'b'.repeat(64) } })
    await resolve(near, 'reject')
    await sql('UPDATE @uploads SET blob_key = NULL WHERE id = $1', same)
    const asked = await decide(tenant, { ...flagged, ...seen(turned(1)) })
    await decide(tenant, { action: 'approve', ...seen(turned(1)) })

    const { items } = await similar(asked, tenant)
    expect(items.map(({ upload_id }) => upload_id)).toEqual([same, near, transparent])
    expect(items[0]).toEqual({
      upload_id: same,
      similarity: expect.closeTo(1, 5),
      action: 'approve',
      reason_codes: [],
      has_image: false,
      decided_at: expect.any(String),
    })
    expect(items[1]).toMatchObject({
      similarity: expect.closeTo(0.99, 5),
      resolution: { action: 'reject', reason_code: 'looked' },
      has_image: true,
    })
  })

  test('are at most ten, the newest of those that are the same', async () => {
    const tenant = someTenant()
    const ids: string[] = []
    for (let n = 0; n < 12; n++) ids.unshift(await decide(tenant, { action: 'approve', ...seen(turned(1)) }))
    const [asked = '', ...others] = ids
    expect((await similar(asked, tenant)).items.map(({ upload_id }) => upload_id)).toEqual(others.slice(0, 10))
  })

  test('are none of what has no embedding, and not those that are erased', async () => {
    const tenant = someTenant()
    const erased = await decide(tenant, { action: 'approve', ...seen(turned(1)) })
    await api.uploads.erase(tenant, erased, { kind: 'system', id: 'test', name: 'test' })
    const asked = await decide(tenant, { action: 'approve', ...seen(turned(1)) })
    expect(await similar(asked, tenant)).toEqual({ items: [] })
    expect(await similar(await decide(tenant, { action: 'flag', reasonCodes: ['undecodable'] }), tenant)).toEqual({ items: [] })
    expect((await ask(`/v1/uploads/${erased}/similar`, tenant)).status).toBe(410)
    expect((await ask(`/v1/uploads/${asked}/similar`, someTenant())).status).toBe(404)
  })
})
