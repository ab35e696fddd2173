import { describe, expect, test } from 'vitest'
import type { Review } from '../../services/api/dashboard/api-types.ts'
import type { LineService, Notice, Ruling } from '../../services/api/dashboard/review/line-contract.ts'
import { createReviewLine } from '../../services/api/dashboard/review/review-line.ts'
import { waitFor } from '../support/wait-for.ts'

const REJECT: Ruling = { action: 'reject', reason_code: 'weapons' }
const ME = { id: 'me', name: 'Ada' }
const LEASE_MS = 1000

class Refusal extends Error {}

/** A service of its own in memory: reviews r1, r2 … are open, and what is asked of it is kept. */
function openLine({ reviews = 10, ahead = 2, most = 5 } = {}) {
  const open = Array.from({ length: reviews }, (_, index) => `r${index + 1}`)
  const asked: string[] = []
  const notices: Notice[] = []
  const refuse: { resolve?: Error; undo?: Error; claim?: Error; next?: Error } = {}
  let now = 0
  const show = (id: string, more: Partial<Review> = {}) =>
    ({ id, state: 'claimed', upload: { id: `u-${id}` }, ...more }) as Review
  const held = (id: string) => show(id, { claim: { by: ME, mine: true, expires_at: new Date(now + LEASE_MS).toISOString() } })
  const service: LineService = {
    async next(count) {
      if (refuse.next) throw refuse.next
      return open.splice(0, count).map(held)
    },
    async claim(id) {
      asked.push(`claim ${id}`)
      if (refuse.claim) throw refuse.claim
      return held(id)
    },
    async release(id, skip) {
      asked.push(`${skip ? 'skip' : 'release'} ${id}`)
    },
    async resolve(id, ruling) {
      asked.push(`${ruling.action} ${id}`)
      if (refuse.resolve) throw refuse.resolve
      const resolution = { ...ruling, by: ME, at: new Date(now).toISOString(), undo_until: new Date(now + 30).toISOString() }
      return show(id, { state: 'resolved', resolution })
    },
    async undo(id) {
      asked.push(`undo ${id}`)
      if (refuse.undo) throw refuse.undo
      return held(id)
    },
    now: () => now,
    isLost: (error) => error instanceof Refusal,
  }
  const line = createReviewLine({ service, ahead, most, onChange: () => {}, onNotice: (notice) => notices.push(notice) })
  const at = () => line.current()?.review.id
  return {
    line,
    open,
    asked,
    notices,
    refuse,
    at,
    pass: (ms: number) => {
      now += ms
    },
    /** Until nothing is on its way. */
    settled: () =>
      waitFor(() => !line.isFilling() && line.entries().every(({ status }) => status !== 'sending'), { what: 'quiet' }),
  }
}

describe('a line of reviews', () => {
  test('has the next ones in hand before they are looked at, and no more than it may', async () => {
    const { line, open, at } = openLine({ reviews: 10, ahead: 2 })
    await line.start()
    expect(at()).toBe('r1')
    expect(line.upcoming().map(({ review }) => review.id)).toEqual(['r2', 'r3'])
    expect(open[0]).toBe('r4')
  })

  test('moves on at once, before the decision has arrived', async () => {
    const { line, at, asked, settled } = openLine()
    await line.start()
    line.decide(REJECT)
    expect(at()).toBe('r2')
    expect(line.entries()[0]?.status).toBe('sending')
    await settled()
    expect(line.entries()[0]?.status).toBe('resolved')
    expect(asked).toEqual(['reject r1'])
    expect(line.upcoming().map(({ review }) => review.id)).toEqual(['r3', 'r4'])
  })

  test('a decision that did not arrive is in hand again, and says why', async () => {
    const { line, refuse, notices, settled } = openLine()
    await line.start()
    refuse.resolve = new Error('the network is away')
    line.decide(REJECT)
    await settled()
    expect(line.entries()[0]).toMatchObject({ status: 'held', problem: 'the network is away' })
    expect(notices).toMatchObject([{ kind: 'failed' }])
    expect(line.undoable()).toEqual([])
  })

  test('a decision that came too late is lost, and is not sent again', async () => {
    const { line, refuse, notices, settled } = openLine()
    await line.start()
    refuse.resolve = new Refusal('Linus has claimed the review')
    line.decide(REJECT)
    await settled()
    expect(line.entries()[0]).toMatchObject({ status: 'lost', problem: 'Linus has claimed the review' })
    expect(notices).toMatchObject([{ kind: 'lost' }])
  })

  test('the last decision can be taken back until its time is over', async () => {
    const { line, at, asked, notices, pass, settled } = openLine()
    await line.start()
    line.decide(REJECT)
    await settled()
    line.decide(REJECT)
    await settled()
    await line.undo()
    expect(at()).toBe('r2')
    expect(line.current()?.status).toBe('held')
    pass(31)
    await line.undo()
    expect(asked).toEqual(['reject r1', 'reject r2', 'undo r2'])
    expect(notices.map(({ kind }) => kind)).toEqual(['resolved', 'resolved', 'undone', 'cannot-undo'])
  })

  test('a decision that is still on its way is waited for before it is taken back', async () => {
    const { line, at, asked } = openLine()
    await line.start()
    line.decide(REJECT)
    await line.undo()
    expect(asked).toEqual(['reject r1', 'undo r1'])
    expect(at()).toBe('r1')
  })

  test('undoing twice takes back the last two', async () => {
    const { line, at, asked, notices, settled } = openLine()
    await line.start()
    line.decide(REJECT)
    line.decide(REJECT)
    await settled()
    await Promise.all([line.undo(), line.undo()])
    expect(asked.slice(2)).toEqual(['undo r2', 'undo r1'])
    expect(notices.map(({ kind }) => kind)).not.toContain('cannot-undo')
    expect(at()).toBe('r1')
  })

  test('what could not be taken back for want of an answer can be tried again', async () => {
    const { line, refuse, at, settled } = openLine()
    await line.start()
    line.decide(REJECT)
    await settled()
    refuse.undo = new Error('no answer')
    await line.undo()
    expect(at()).toBe('r2')
    delete refuse.undo
    await line.undo()
    expect(at()).toBe('r1')
  })

  test('decisions that did not arrive stay told of, whatever is decided after them', async () => {
    const { line, refuse, settled } = openLine()
    await line.start()
    refuse.resolve = new Error('the network is away')
    line.decide(REJECT)
    line.decide(REJECT)
    await settled()
    delete refuse.resolve
    line.decide(REJECT)
    await settled()
    expect(line.unsaved()?.review.id).toBe('r1')
  })

  test('forgets what was passed long ago', async () => {
    const { line, pass, settled } = openLine({ reviews: 80 })
    await line.start()
    for (let turn = 0; turn < 70; turn++) {
      pass(31)
      line.decide(REJECT)
      await settled()
    }
    expect(line.current()?.review.id).toBe('r71')
    expect(line.entries().length).toBeLessThanOrEqual(55)
  })

  test('what was left undecided comes again when nothing else is open', async () => {
    const { line, at, settled } = openLine({ reviews: 3, ahead: 2 })
    await line.start()
    line.forward()
    expect(at()).toBe('r2')
    line.decide(REJECT)
    await settled()
    line.decide(REJECT)
    await settled()
    expect(at()).toBe('r1')
  })

  test('goes back and forth through what was done', async () => {
    const { line, at, settled } = openLine()
    await line.start()
    line.decide(REJECT)
    await settled()
    line.back()
    expect(at()).toBe('r1')
    line.decide(REJECT)
    expect(at()).toBe('r1')
    line.forward()
    expect(at()).toBe('r2')
  })

  test('never holds more than its most, however many are passed', async () => {
    const { line, settled } = openLine({ reviews: 20, ahead: 2, most: 5 })
    await line.start()
    for (let step = 0; step < 10; step++) {
      line.forward()
      await settled()
    }
    expect(line.entries()).toHaveLength(5)
  })

  test('waits at the end, and goes on when something is opened', async () => {
    const { line, open, at, settled } = openLine({ reviews: 1 })
    await line.start()
    line.decide(REJECT)
    await settled()
    expect(at()).toBeUndefined()
    open.push('r9')
    line.heard({ id: 'r9', state: 'open', upload: { id: 'u-r9' } })
    await settled()
    expect(at()).toBe('r9')
  })

  test('lets go of what somebody else has taken', async () => {
    const { line, notices } = openLine()
    await line.start()
    const claim = { by: { id: 'linus', name: 'Linus' }, expires_at: '' }
    line.heard({ id: 'r2', state: 'claimed', upload: { id: 'u-r2' }, claim })
    line.heard({ id: 'r3', state: 'claimed', upload: { id: 'u-r3' }, claim: { ...claim, by: ME } })
    expect(line.upcoming().map(({ review }) => review.id)).not.toContain('r2')
    expect(line.upcoming().map(({ review }) => review.id)).toContain('r3')
    expect(notices).toEqual([])
    line.heard({ id: 'r1', state: 'claimed', upload: { id: 'u-r1' }, claim })
    expect(notices).toMatchObject([{ kind: 'lost', entry: { problem: 'Linus' } }])
  })

  test('renews claims when half of their time is over', async () => {
    const { line, asked, pass } = openLine({ ahead: 1 })
    await line.start()
    pass(LEASE_MS / 2 - 1)
    await line.renew()
    expect(asked).toEqual([])
    pass(2)
    await line.renew()
    expect(asked.toSorted()).toEqual(['claim r1', 'claim r2'])
  })

  test('a renewal that comes after a decision changes nothing', async () => {
    const { line, refuse, notices, pass, settled } = openLine({ ahead: 0 })
    await line.start()
    pass(LEASE_MS - 1)
    refuse.claim = new Refusal('the review is resolved')
    const renewing = line.renew()
    line.decide(REJECT)
    await renewing
    await settled()
    expect(line.entries()[0]?.status).toBe('resolved')
    expect(notices).toMatchObject([{ kind: 'resolved' }])
  })

  test('a renewal that comes after a skip is given back', async () => {
    const { line, asked, pass } = openLine({ ahead: 0 })
    await line.start()
    pass(LEASE_MS - 1)
    const renewing = line.renew()
    line.skip()
    await renewing
    expect(asked).toEqual(['claim r1', 'skip r1', 'release r1'])
  })

  test('what was claimed too late for a break, or for whoever has left, is given back', async () => {
    const resting = openLine({ ahead: 1 })
    const opening = resting.line.start()
    await resting.line.pause()
    await opening
    expect(resting.asked).toEqual(['release r1', 'release r2'])
    expect(resting.at()).toBeUndefined()

    const gone = openLine()
    await gone.line.leave()
    const claim = { by: ME, mine: true, expires_at: new Date(LEASE_MS).toISOString() }
    await gone.line.start({ id: 'r7', state: 'claimed', upload: { id: 'u-r7' }, claim } as Review)
    expect(gone.asked).toEqual(['release r7'])
  })

  test('gives back what is in hand when it is left, after what is on its way', async () => {
    const { line, asked } = openLine({ ahead: 1 })
    await line.start()
    line.decide(REJECT)
    await line.leave()
    expect(asked.toSorted()).toEqual(['reject r1', 'release r2', 'release r3'])
  })

  test('a break gives everything back, and nothing is claimed until it is over', async () => {
    const { line, open, asked, at, settled } = openLine({ reviews: 3, ahead: 1 })
    await line.start()
    await line.pause()
    expect(asked.toSorted()).toEqual(['release r1', 'release r2'])
    open.push('r1')
    line.heard({ id: 'r1', state: 'open', upload: { id: 'u-r1' } })
    await settled()
    expect(at()).toBeUndefined()
    await line.refill()
    expect(at()).toBe('r3')
  })

  test('says that nothing could be asked for, and asks again when told to', async () => {
    const { line, refuse, at } = openLine()
    refuse.next = new Error('no answer')
    await line.start()
    expect(line.failure()).toMatchObject({ message: 'no answer' })
    delete refuse.next
    await line.refill()
    expect(at()).toBe('r1')
  })
})
