import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { hasCode } from '../../services/core/domain/errors.ts'
import { createMetrics } from '../../services/core/infra/metrics.ts'
import { verifyAuditLog } from '../../services/core/infra/verify-audit-log.ts'
import { keepReviews } from '../../services/worker/keep-reviews.ts'
import { collectLog } from '../support/collect-log.ts'
import { ANN, BAD, BEN, crowd, FINE, openReviewBench, type ReviewBench, unknownId } from '../support/reviews.ts'
import { waitFor } from '../support/wait-for.ts'

const RACERS = 50

let bench: ReviewBench
beforeAll(async () => {
  bench = await openReviewBench()
})
afterEach(() => bench.forget())
afterAll(() => bench?.close())

/** What a promise comes to: the code of its AppError, or `done`. */
async function outcomeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'done'
  } catch (error) {
    if (hasCode(error, 'review-claimed', 'review-resolved', 'undo-expired')) return error.code
    throw error
  }
}

const tally = (outcomes: string[]) =>
  Object.fromEntries([...new Set(outcomes)].sort().map((each) => [each, outcomes.filter((other) => other === each).length]))

describe('of fifty moderators', () => {
  test('who claim the same review at once, one has it', async () => {
    const { id, uploadId } = await bench.flagged()
    const outcomes = await Promise.all(crowd(RACERS).map((by) => outcomeOf(bench.reviews.claim('default', by, id))))
    expect(tally(outcomes)).toEqual({ done: 1, 'review-claimed': RACERS - 1 })
    expect((await bench.eventsOf(uploadId)).filter((type) => type === 'review.claimed')).toHaveLength(1)
  })

  test('who resolve the same review at once, one has resolved it: one event, one entry in the audit log', async () => {
    const { id, uploadId } = await bench.flagged()
    const people = crowd(RACERS)
    const outcomes = await Promise.all(
      people.map(async (by, i) => {
        const [outcome] = await bench.reviews.resolve('default', by, [id], i % 2 ? FINE : BAD)
        return outcome && 'error' in outcome ? outcome.error.code : by.id
      }),
    )
    const winners = outcomes.filter((outcome) => outcome !== 'review-resolved')
    expect(winners).toHaveLength(1)
    const review = await bench.reviewOf(uploadId)
    expect(review).toMatchObject({ state: 'resolved', resolution: { by: { id: winners[0] } } })
    expect((await bench.eventsOf(uploadId)).filter((type) => type === 'review.resolved')).toHaveLength(1)
    expect(await bench.auditOf(id)).toMatchObject([{ action: 'review.resolve', actor_id: winners[0] }])
  })

  test('who ask for the next review until there is none, no two are handed the same, and all are handed out', async () => {
    const ids = new Set((await bench.flood(120)).map(({ id }) => id))
    const handed = await Promise.all(
      crowd(RACERS).map(async (by) => {
        const mine: string[] = []
        for (;;) {
          const items = await bench.reviews.claimNext('default', by, { filter: {}, count: 2 })
          mine.push(...items.map(({ id }) => id))
          if (items.length === 0) return mine
        }
      }),
    )
    const all = handed.flat()
    expect(all).toHaveLength(120)
    expect(new Set(all)).toEqual(ids)
  })

  test('who claim, resolve, release and undo as it comes, no two ever hold or resolve the same', async () => {
    const reviews = await Promise.all([bench.flagged(), bench.flagged(), bench.flagged()])
    await Promise.all(
      crowd(RACERS).map(async (by, i) => {
        const { id } = reviews[i % 3] ?? { id: '' }
        await outcomeOf(bench.reviews.claim('default', by, id))
        await outcomeOf(i % 2 ? bench.reviews.release('default', by, id, { skip: false }) : resolveAlone(by, id))
        await outcomeOf(bench.reviews.undo('default', by, id))
        await outcomeOf(resolveAlone(by, id))
      }),
    )
    for (const { uploadId, id } of reviews) {
      expect(await bench.reviewOf(uploadId)).toMatchObject({ state: 'resolved' })
      expect((await bench.eventsOf(uploadId)).filter((type) => type === 'review.resolved')).toHaveLength(1)
      const actions = (await bench.auditOf(id)).map(({ action, actor_id }) => `${action} ${actor_id}`)
      for (const [place, action] of actions.entries())
        if (place % 2) expect(action).toBe(actions[place - 1]?.replace('resolve', 'undo'))
    }
    expect(await verifyAuditLog(bench.database)).toMatchObject({ ok: true })
  })

  const resolveAlone = async (by: typeof ANN, id: string) => {
    const [outcome] = await bench.reviews.resolve('default', by, [id], FINE)
    if (outcome && 'error' in outcome) throw outcome.error
  }
})

describe('a moderator is handed', () => {
  const next = (by = ANN, filter = {}, count = 20) => bench.reviews.claimNext('default', by, { filter, count })

  test('the most urgent first: rejections before flags, and of equals the older one', async () => {
    const flag = await bench.flagged()
    const newer = await bench.flagged()
    const reject = await bench.flagged({}, { action: 'reject' })
    const items = await next()
    expect(items.map(({ id }) => id)).toEqual([reject.id, flag.id, newer.id])
    expect(items[0]).toMatchObject({
      state: 'claimed',
      claim: { by: { id: 'ann', name: 'Ann' }, mine: true },
      decision: { id: reject.uploadId, status: 'decided', action: 'reject' },
    })
  })

  test('what a filter lets through', async () => {
    const web = await bench.flagged({ source: 'web' }, { reasonCodes: ['animals', 'weapons'] })
    const app = await bench.flagged({ source: 'app' }, { reasonCodes: ['weapons'] })
    expect(await next(ANN, { policy: 'animals', source: 'app' })).toEqual([])
    expect((await next(ANN, { policy: 'animals' })).map(({ id }) => id)).toEqual([web.id])
    expect((await next(ANN, { policy: 'weapons', source: 'app', origin: 'decision' })).map(({ id }) => id)).toEqual([app.id])
  })

  test('nothing that he has skipped, while others are handed it', async () => {
    const { id, uploadId } = await bench.flagged()
    await next()
    expect(await bench.reviews.release('default', ANN, id, { skip: true })).toMatchObject({ id, state: 'open' })
    expect(await bench.eventsOf(uploadId)).toEqual(['upload.decided', 'review.opened', 'review.claimed', 'review.released'])
    expect(await next()).toEqual([])
    expect(await next(BEN)).toMatchObject([{ id }])
    await bench.reviews.release('default', BEN, id, { skip: false })
    await bench.query("UPDATE pixwarden.review_skips SET until = now() - interval '1 second'")
    await bench.upkeep.forgetSkips()
    expect(await bench.query('SELECT FROM pixwarden.review_skips')).toEqual([])
    expect(await next()).toMatchObject([{ id }])
  })

  test('nothing of another tenant', async () => {
    await bench.flagged({ tenant: 'other' })
    expect(await next()).toEqual([])
  })
})

describe('a claim', () => {
  const claim = (by: typeof ANN, id: string, leaseMs?: number) =>
    bench.withTimes(leaseMs === undefined ? {} : { leaseMs }).claim('default', by, id)
  const expired = (id: string) =>
    waitFor(async () => (await bench.reviews.find('default', 'ann', id))?.state === 'open', { what: 'the end of the lease' })

  test('is renewed by its holder, quietly', async () => {
    const { id, uploadId } = await bench.flagged()
    const first = await claim(ANN, id, 1000)
    const second = await claim(ANN, id, 60_000)
    expect(Date.parse(second?.claim?.expires_at ?? '')).toBeGreaterThan(Date.parse(first?.claim?.expires_at ?? '') + 30_000)
    expect((await bench.eventsOf(uploadId)).filter((type) => type === 'review.claimed')).toHaveLength(1)
  })

  test('whose lease has ended is none at once: the review is open for lists, for the next who asks, and for whoever resolves it', async () => {
    const [listed, handed, resolved] = [await bench.flagged(), await bench.flagged(), await bench.flagged()]
    for (const { id } of [listed, handed, resolved]) await claim(ANN, id, 1)
    await expired(resolved.id)
    const list = (state: 'open' | 'claimed') =>
      bench.reviews
        .list('default', 'ann', { state, order: 'oldest' }, { limit: 10 })
        .then(({ items }) => items.map(({ id }) => id))
    expect(await list('open')).toEqual([listed.id, handed.id, resolved.id])
    expect(await list('claimed')).toEqual([])
    expect(await bench.upkeep.openReviews()).toMatchObject({ open: 3, expired: 3 })
    expect((await bench.queues.list('default'))[0]).toMatchObject({ name: 'all', open: 3 })
    expect(await bench.reviews.claimNext('default', BEN, { filter: {}, count: 1 })).toMatchObject([{ id: listed.id }])
    expect(await claim(BEN, handed.id)).toMatchObject({ claim: { by: { id: 'ben' } } })
    expect(await bench.reviews.resolve('default', BEN, [resolved.id], FINE)).toMatchObject([{ review: { state: 'resolved' } }])
    await expect(claim(ANN, handed.id)).rejects.toThrow('Ben has claimed the review')
  })

  test('that has expired is told to other moderators by the worker’s next round, once, and counted', async () => {
    const [gone, kept] = [await bench.flagged(), await bench.flagged()]
    await claim(ANN, gone.id, 1)
    await claim(ANN, kept.id)
    await expired(gone.id)
    const metrics = createMetrics()
    const { log, lines } = collectLog()
    const options = { reviews: bench.upkeep, metrics, log, everyMs: 10 }
    const keepers = [keepReviews(options), keepReviews(options)]
    await waitFor(async () => ((await metrics.oldestReview.get()).values[0]?.value ?? 0) > 0, { what: 'a round' })
    await Promise.all(keepers.map((keeper) => keeper.stop()))
    expect(lines).toEqual([])
    expect((await bench.eventsOf(gone.uploadId)).slice(2)).toEqual(['review.claimed', 'review.released'])
    expect((await bench.eventsOf(kept.uploadId)).slice(2)).toEqual(['review.claimed'])
    expect((await metrics.reviewsOpen.get()).values).toMatchObject([{ value: 1 }])
  })
})

describe('many at once', () => {
  test('are resolved each by itself: what others hold, is resolved, or is not there keeps none of the rest', async () => {
    const made = [await bench.flagged(), await bench.flagged(), await bench.flagged(), await bench.flagged({ tenant: 'other' })]
    const [open, held, done, foreign] = made.map(({ id }) => id) as [string, string, string, string]
    await bench.reviews.claim('default', BEN, held)
    await bench.reviews.resolve('default', BEN, [done], FINE)
    const ids = [done, open, unknownId(), held, foreign]
    const outcomes = await bench.reviews.resolve('default', ANN, ids, { ...BAD, note: 'all of them' })
    expect(outcomes.map((each) => [each.id, 'error' in each ? each.error.code : each.review.state])).toEqual([
      [done, 'review-resolved'],
      [open, 'resolved'],
      [ids[2], 'not-found'],
      [held, 'review-claimed'],
      [foreign, 'not-found'],
    ])
    expect(await bench.reviewOf(made[2]?.uploadId ?? '')).toMatchObject({ resolution: { by: { id: 'ben' }, action: 'approve' } })
  })

  test('a hundred are resolved while one waits', async () => {
    const ids = (await bench.flood(100)).map(({ id }) => id)
    const startedAt = performance.now()
    const outcomes = await bench.reviews.resolve('default', ANN, ids, BAD)
    expect(performance.now() - startedAt).toBeLessThan(3000)
    expect(outcomes.every((each) => 'review' in each)).toBe(true)
  })
})

describe('what is written down', () => {
  test('of a resolution: its reason in the audit log, without the words of people', async () => {
    const { id, uploadId } = await bench.flagged()
    await bench.reviews.resolve('default', ANN, [id], { ...BAD, note: 'a cat, says its owner' })
    await bench.reviews.undo('default', ANN, id)
    expect(await bench.auditOf(id)).toMatchObject([
      { action: 'review.resolve', actor_id: 'ann', details: { upload_id: uploadId, action: 'reject', reason_code: 'animals' } },
      { action: 'review.undo', actor_id: 'ann', details: { upload_id: uploadId } },
    ])
    expect(JSON.stringify(await bench.auditOf(id))).not.toContain('owner')
    expect(await verifyAuditLog(bench.database)).toMatchObject({ ok: true })
  })
})

describe('erasing an upload', () => {
  test('ends the work on it: who has claimed its review finds none, and nothing of it is left', async () => {
    const { id, uploadId } = await bench.flagged()
    await bench.reviews.claim('default', ANN, id)
    await bench.reviews.report('default', ANN, uploadId, { reason: 'mine', reporter: 'somebody' })
    await bench.uploads.erase('default', uploadId, ANN)
    expect(await bench.reviews.claim('default', ANN, id)).toBeUndefined()
    expect(await bench.reviews.release('default', ANN, id, { skip: true })).toBeUndefined()
    expect(await bench.reviews.resolve('default', ANN, [id], FINE)).toMatchObject([{ error: { code: 'not-found' } }])
    expect(await bench.reviews.undo('default', ANN, id)).toBeUndefined()
    for (const table of ['reviews', 'reports', 'events', 'review_skips'])
      expect(await bench.query(`SELECT FROM pixwarden.${table}`), table).toEqual([])
  })

  test.each<[string, (id: string) => Promise<unknown>]>([
    ['claims', (id) => bench.reviews.claim('default', ANN, id)],
    ['releases', (id) => bench.reviews.release('default', ANN, id, { skip: false })],
    ['resolves', (id) => bench.reviews.resolve('default', ANN, [id], FINE)],
    ['undoes', (id) => bench.reviews.undo('default', ANN, id)],
  ])('does not wait for whoever %s its review at this moment, and waits for it', async (_what, act) => {
    const { id, uploadId } = await bench.flagged()
    const waiting = () =>
      bench.query("SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
    const acting = await bench.database.kysely.transaction().execute(async (erasing) => {
      await erasing.selectFrom('uploads').select('id').where('id', '=', uploadId).forUpdate().execute()
      const begun = { outcome: outcomeOf(act(id)) }
      await waitFor(async () => (await waiting()).length > 0, { what: 'the moderator to wait' })
      await erasing.deleteFrom('reviews').where('upload_id', '=', uploadId).execute()
      return begun
    })
    expect(await acting.outcome).toBe('done')
    expect(await bench.reviewOf(uploadId)).toBeUndefined()
  })

  test('at any moment of a moderator’s work is in nobody’s way', async () => {
    const made = await Promise.all(Array.from({ length: 40 }, () => bench.flagged()))
    const people = crowd(20)
    await Promise.all([
      ...made.map(({ uploadId }) => bench.uploads.erase('default', uploadId, ANN)),
      ...people.map((by) => bench.reviews.claimNext('default', by, { filter: {}, count: 5 })),
      ...made.map(({ id }, i) => bench.reviews.resolve('default', people[i % 20] ?? ANN, [id], FINE)),
      ...made.map(({ id }) => outcomeOf(bench.reviews.undo('default', ANN, id))),
      ...made.map(({ uploadId }) =>
        bench.reviews.report('default', ANN, uploadId, {}).catch((error: unknown) => {
          if (!hasCode(error, 'erased')) throw error
        }),
      ),
    ])
    expect(await bench.query('SELECT FROM pixwarden.reviews')).toEqual([])
    expect(await bench.query('SELECT FROM pixwarden.reports')).toEqual([])
  })
})
