import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Conclusion } from '../../services/core/domain/decision.ts'
import { createPgRetentionStore } from '../../services/core/infra/pg-retention-store.ts'
import { ANN, BAD, BEN, FINE, openReviewBench, type ReviewBench, unknownId } from '../support/reviews.ts'
import { newConclusion, newUpload } from '../support/test-store.ts'

let bench: ReviewBench
beforeAll(async () => {
  bench = await openReviewBench()
})
afterEach(async () => {
  await bench.clear()
  await bench.forget()
})
afterAll(() => bench?.close())

const KEY = { kind: 'key' as const, id: 'platform', name: 'the platform' }
const report = (uploadId: string, values = {}) => bench.reviews.report('default', KEY, uploadId, values)
const appeal = (uploadId: string, reason?: string) => bench.reviews.appeal('default', KEY, uploadId, reason)
const resolve = (id: string, ruling: typeof FINE | typeof BAD) => bench.reviews.resolve('default', ANN, [id], ruling)

const scored: Partial<Conclusion> = {
  verdicts: [
    {
      id: 'animals',
      version: 'v',
      mode: 'enforce',
      action: 'approve',
      rules: [{ id: 'animal', action: 'approve', matched: false, score: 0.55, threshold: 0.6 }],
    },
  ],
}

describe('a report', () => {
  test('of what is waiting already makes it more urgent', async () => {
    const [quiet, reported] = [await bench.flagged(), await bench.flagged()]
    expect(await report(reported.uploadId, { reason: 'a cat', reporter: 'u-1' })).toEqual({ reports: 1, reviewId: reported.id })
    expect(await report(reported.uploadId, { reporter: 'u-2' })).toEqual({ reports: 2, reviewId: reported.id })
    const [first, second] = await bench.reviews.claimNext('default', ANN, { filter: {}, count: 2 })
    expect(first).toMatchObject({ id: reported.id, reports: 2, origin: 'decision' })
    expect(second).toMatchObject({ id: quiet.id, reports: 0 })
    expect(first?.priority).toBeGreaterThan(reported.priority)
  })

  test('counts once for each reporter, and each time for nobody', async () => {
    const { uploadId } = await bench.flagged()
    for (const reporter of ['u-1', 'u-1', undefined, undefined]) await report(uploadId, { reporter })
    expect(await report(uploadId, { reporter: 'u-1' })).toMatchObject({ reports: 3 })
    expect(await bench.query('SELECT FROM pixwarden.reports')).toHaveLength(3)
  })

  test('of an approved upload opens a review, which webhooks hear of; its image is gone, its scores are there', async () => {
    const receiver = await bench.receiver()
    const { endpoint } = await bench.endpoint(receiver.url, { eventTypes: ['review.opened'] })
    const uploadId = await bench.decide({ source: 'app' }, newConclusion(scored))
    await bench.query('UPDATE pixwarden.uploads SET blob_key = NULL WHERE id = $1', uploadId)
    const opened = await report(uploadId)
    expect(await bench.reviewOf(uploadId)).toMatchObject({
      id: opened?.reviewId,
      state: 'open',
      origin: 'report',
      reports: 1,
      action: 'approve',
      reason_codes: [],
      upload: { source: 'app', has_image: false },
      decision: { policies: [{ rules: [{ score: 0.55 }] }] },
    })
    bench.dispatcher()
    await bench.deliveryOnce(endpoint.id, 'delivered')
    expect(JSON.parse(receiver.received[0]?.body ?? '')).toMatchObject({
      type: 'review.opened',
      data: { id: opened?.reviewId, origin: 'report', action: 'approve', upload: { id: uploadId } },
    })
    expect(await bench.auditOf(opened?.reviewId ?? '')).toMatchObject([{ action: 'review.report', actor_id: 'platform' }])
  })

  test('opens again what a person has approved, and not what a person has rejected', async () => {
    const [approved, rejected] = [await bench.flagged(), await bench.flagged()]
    await resolve(approved.id, FINE)
    await resolve(rejected.id, BAD)
    await report(approved.uploadId)
    expect(await report(rejected.uploadId)).toEqual({ reports: 1, reviewId: rejected.id })
    expect(await bench.reviewOf(approved.uploadId)).toMatchObject({
      state: 'open',
      origin: 'report',
      earlier: [{ action: 'approve', reason_code: 'fine', by: { id: 'ann' } }],
    })
    expect((await bench.eventsOf(approved.uploadId)).slice(2)).toEqual(['review.resolved', 'review.reopened'])
    expect(await bench.reviewOf(rejected.uploadId)).toMatchObject({
      state: 'resolved',
      reports: 1,
      resolution: { action: 'reject' },
    })
  })

  test('takes nothing out of the hands of who works on it', async () => {
    const { id, uploadId } = await bench.flagged()
    await bench.reviews.claim('default', BEN, id)
    await report(uploadId)
    expect(await bench.reviewOf(uploadId)).toMatchObject({ state: 'claimed', claim: { by: { id: 'ben' } }, reports: 1 })
  })

  test('by fifty people at once makes one review, and counts fifty', async () => {
    const uploadId = await bench.decide()
    const reports = await Promise.all(Array.from({ length: 50 }, (_, i) => report(uploadId, { reporter: `u-${i}` })))
    expect(new Set(reports.map((each) => each?.reviewId)).size).toBe(1)
    expect(reports.map((each) => each?.reports).sort((a, b) => (a ?? 0) - (b ?? 0))).toEqual(
      Array.from({ length: 50 }, (_, i) => i + 1),
    )
    expect((await bench.eventsOf(uploadId)).slice(1)).toEqual(['review.opened'])
  })
})

describe('an appeal', () => {
  test('opens a resolved review again, before its equals, with what was resolved before', async () => {
    const { id, uploadId } = await bench.flagged()
    await resolve(id, { ...BAD })
    const other = await bench.flagged()
    expect(await appeal(uploadId, 'it is a drawing')).toEqual({ reviewId: id })
    const [first, second] = await bench.reviews.claimNext('default', BEN, { filter: {}, count: 2 })
    expect(second).toMatchObject({ id: other.id })
    expect(first).toMatchObject({
      id,
      origin: 'appeal',
      appeal: { reason: 'it is a drawing', at: expect.any(String) },
      earlier: [{ action: 'reject', reason_code: 'animals', by: { id: 'ann', name: 'Ann' } }],
    })
    expect(first?.resolution).toBeUndefined()
    await bench.reviews.resolve('default', BEN, [id], FINE)
    expect(await bench.reviewOf(uploadId)).toMatchObject({ resolution: { action: 'approve', by: { id: 'ben' } }, earlier: [{}] })
    expect((await bench.auditOf(id)).map(({ action }) => action)).toEqual(['review.resolve', 'review.appeal', 'review.resolve'])
  })

  test('within the time to undo ends that time: what was resolved is told, and not undone', async () => {
    const { id, uploadId } = await bench.flagged()
    await resolve(id, BAD)
    await appeal(uploadId)
    await expect(bench.reviews.undo('default', ANN, id)).rejects.toThrow(expect.objectContaining({ code: 'undo-expired' }))
    expect((await bench.eventsOf(uploadId)).slice(2)).toEqual(['review.resolved', 'review.reopened'])
  })

  test('of what was approved opens a review; of what waits it is a reason to be sooner', async () => {
    const uploadId = await bench.decide()
    expect(await appeal(uploadId)).toEqual({ reviewId: (await bench.reviewOf(uploadId))?.id })
    const waiting = await bench.flagged()
    await appeal(waiting.uploadId, 'why?')
    const review = await bench.reviewOf(waiting.uploadId)
    expect(review).toMatchObject({ id: waiting.id, state: 'open', origin: 'appeal', appeal: { reason: 'why?' } })
    expect(review?.priority).toBeGreaterThan(waiting.priority)
  })

  test('keeps the bytes until the review is over again, and the time to appeal after that', async () => {
    const { id, uploadId } = await bench.flagged()
    await resolve(id, BAD)
    const retention = createPgRetentionStore(bench.database)
    const soon = new Date(Date.now() + 3_600_000)
    const due = () => retention.expired({ resolvedBefore: soon, decidedBefore: new Date(0), limit: 10 })
    expect((await due()).map((each) => each.id)).toEqual([uploadId])
    await appeal(uploadId)
    expect(await due()).toEqual([])
    await bench.reviews.claim('default', BEN, id)
    expect(await due()).toEqual([])
    await bench.reviews.resolve('default', BEN, [id], BAD)
    expect((await due()).map((each) => each.id)).toEqual([uploadId])
    await bench.reviews.undo('default', BEN, id)
    expect(await due()).toEqual([])
  })
})

test.each(['report', 'appeal'] as const)('a %s needs an upload that is decided, and the tenant’s own', async (what) => {
  const contest = (id: string, tenant = 'default') =>
    what === 'report' ? bench.reviews.report(tenant, KEY, id, {}) : bench.reviews.appeal(tenant, KEY, id, undefined)
  const pending = newUpload()
  await bench.uploads.insert(pending)
  await expect(contest(pending.id)).rejects.toThrow(expect.objectContaining({ code: 'not-decided' }))
  const erased = await bench.decide()
  await bench.uploads.erase('default', erased, ANN)
  await expect(contest(erased)).rejects.toThrow(expect.objectContaining({ code: 'erased' }))
  const { uploadId } = await bench.flagged()
  expect(await contest(uploadId, 'other')).toBeUndefined()
  expect(await contest(unknownId())).toBeUndefined()
})
