import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { hasCode } from '../../services/core/domain/errors.ts'
import { createPgDeliveryQueue } from '../../services/core/infra/pg-delivery-queue.ts'
import { type Received, verified } from '../support/receiver.ts'
import { ANN, BAD, FINE, openReviewBench, type ReviewBench } from '../support/reviews.ts'
import { waitFor } from '../support/wait-for.ts'

const UNDO_MS = 700

let bench: ReviewBench
beforeAll(async () => {
  bench = await openReviewBench({ undoMs: UNDO_MS })
})
afterEach(async () => {
  await bench.clear()
  await bench.forget()
})
afterAll(() => bench?.close())

/** A webhook that hears of resolutions alone, and a dispatcher that serves it. */
async function subscribe() {
  const receiver = await bench.receiver()
  const { endpoint, secret } = await bench.endpoint(receiver.url, { eventTypes: ['review.resolved'] })
  bench.dispatcher()
  return { receiver, endpoint, secret }
}

const resolve = async (id: string, ruling: typeof FINE | typeof BAD = FINE) => {
  const [outcome] = await bench.reviews.resolve('default', ANN, [id], ruling)
  if (!outcome || 'error' in outcome) throw outcome?.error ?? new Error('nothing came of it')
  return outcome.review
}
const heard = (receiver: { received: Received[] }, count = 1) =>
  waitFor(() => receiver.received.length >= count, { what: `${count} messages` })

describe('a platform', () => {
  test('hears of a resolution when it can no longer be undone, and not before', async () => {
    const { receiver, secret } = await subscribe()
    const { id, uploadId } = await bench.flagged({ externalId: 'post-42' })
    const startedAt = performance.now()
    const { resolution } = await resolve(id, BAD)
    await heard(receiver)
    expect((receiver.received[0]?.at ?? 0) - startedAt).toBeGreaterThan(UNDO_MS)
    expect(verified(receiver.received[0] as Received, secret)).toEqual({
      type: 'review.resolved',
      timestamp: resolution?.at,
      data: {
        id,
        state: 'resolved',
        origin: 'decision',
        upload: { id: uploadId, external_id: 'post-42' },
        action: 'flag',
        reason_codes: ['animals'],
        opened_at: expect.any(String),
        resolution: { action: 'reject', reason_code: 'animals', by: { id: 'ann', name: 'Ann' }, at: resolution?.at },
      },
    })
  })

  test('hears nothing of what was undone, and only of what it came to at last', async () => {
    const { receiver, secret } = await subscribe()
    const { id, uploadId } = await bench.flagged()
    await resolve(id, BAD)
    expect(await bench.reviews.undo('default', ANN, id)).toMatchObject({
      state: 'claimed',
      claim: { by: { id: 'ann' }, mine: true },
    })
    await resolve(id, FINE)
    await heard(receiver)
    const messages = receiver.received.map((message) => verified(message, secret))
    expect(messages).toMatchObject([{ data: { resolution: { action: 'approve' } } }])
    expect((await bench.eventsOf(uploadId)).slice(2)).toEqual(['review.reopened', 'review.resolved'])
    expect(await bench.query("SELECT FROM pixwarden.deliveries WHERE state <> 'delivered'")).toEqual([])
    await expect(bench.reviews.undo('default', ANN, id)).rejects.toThrow(expect.objectContaining({ code: 'undo-expired' }))
  })

  test('is not told sooner when somebody asks for the delivery again', async () => {
    const { receiver, endpoint } = await subscribe()
    const { id } = await bench.flagged()
    const startedAt = performance.now()
    await resolve(id)
    const [delivery] = await bench.deliveriesOf(endpoint.id)
    await bench.deliveries.redeliver('default', delivery?.id ?? '')
    await heard(receiver)
    expect((receiver.received[0]?.at ?? 0) - startedAt).toBeGreaterThan(UNDO_MS)
    // What a dispatcher still has in hand is not sent again for being asked for.
    const isRecorded = async () => (await bench.deliveriesOf(endpoint.id))[0]?.state === 'delivered'
    await waitFor(isRecorded, { what: 'the delivery to be recorded' })
    await bench.deliveries.redeliver('default', delivery?.id ?? '')
    await heard(receiver, 2)
    expect(receiver.received[1]?.body).toBe(receiver.received[0]?.body)
  })
})

test('an undo and a dispatcher that meet: a resolution is either undone or told, never both and never neither', async () => {
  const { endpoint } = await bench.endpoint('https://hooks.example/', { eventTypes: ['review.resolved'] })
  const queue = createPgDeliveryQueue(bench.database)
  const claim = () => queue.claim({ busy: new Map(), perEndpoint: 100, limit: 100, leaseMs: 60_000 })
  const reviews = await Promise.all(Array.from({ length: 40 }, () => bench.flagged()))
  for (const { id } of reviews) await resolve(id)
  // Due at once: as if the undo had waited for a lock until its time was over.
  await bench.query("UPDATE pixwarden.deliveries SET next_at = now() - interval '1 second'")
  const undo = async (id: string) => {
    try {
      await bench.reviews.undo('default', ANN, id)
      return id
    } catch (error) {
      if (hasCode(error, 'undo-expired')) return undefined
      throw error
    }
  }
  const [undone, ...claimed] = await Promise.all([Promise.all(reviews.map(({ id }) => undo(id))), claim(), claim(), claim()])
  const taken = [...claimed.flat(), ...(await claim())].map(({ event }) => JSON.parse(event.body).data.id as string)
  expect([...undone.filter((id) => id !== undefined), ...taken].sort()).toEqual(reviews.map(({ id }) => id).sort())
  expect(await bench.deliveriesOf(endpoint.id)).toHaveLength(taken.length)
})

describe('a delivery that a dispatcher has in hand', () => {
  test('is no longer undone, however early it was taken', async () => {
    await bench.endpoint('https://hooks.example/', { eventTypes: ['review.resolved'] })
    const { id, uploadId } = await bench.flagged()
    await resolve(id)
    await bench.query('UPDATE pixwarden.deliveries SET next_at = now()')
    const queue = createPgDeliveryQueue(bench.database)
    expect(await queue.claim({ busy: new Map(), perEndpoint: 8, limit: 8, leaseMs: 60_000 })).toHaveLength(1)
    await expect(bench.reviews.undo('default', ANN, id)).rejects.toThrow(expect.objectContaining({ code: 'undo-expired' }))
    expect(await bench.reviewOf(uploadId)).toMatchObject({ state: 'resolved' })
    expect(await bench.eventsOf(uploadId)).toContain('review.resolved')
  })
})
