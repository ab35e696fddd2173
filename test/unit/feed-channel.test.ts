import { expect, test } from 'vitest'
import { createFeedChannel, type Follower } from '../../services/api/feed/feed-channel.ts'
import { type FeedBatch, toItem } from '../../services/api/feed/feed-item.ts'
import { FEED_TYPES, type FeedType } from '../../services/core/domain/feed.ts'

const at = (seq: number) => ({ xid: 1n, seq: BigInt(seq) })
const event = (seq: number, { type = 'upload.decided' as FeedType, body = '{}' } = {}) =>
  toItem({ position: at(seq), type, body })

function follower(seq: number, types: readonly FeedType[] = FEED_TYPES): Follower & { batches: FeedBatch[]; seqs(): number[] } {
  const batches: FeedBatch[] = []
  return {
    types,
    position: at(seq),
    take: (batch) => void batches.push(batch),
    batches,
    seqs: () => batches.flatMap(({ items }) => items).map(({ position }) => Number(position.seq)),
  }
}

test('whoever joins gets what has come since it read, and from then on what comes, each event once', () => {
  const channel = createFeedChannel(at(10))
  const [first, second, ahead] = [follower(10), follower(11), follower(13)]
  channel.join(first)
  channel.publish([event(11), event(12)], at(12))
  channel.join(second)
  channel.join(ahead)
  channel.publish([event(13), event(14)], at(15))
  expect([first.seqs(), second.seqs(), ahead.seqs()]).toEqual([[11, 12, 13, 14], [12, 13, 14], [14]])
  expect([first, second, ahead].map(({ position }) => position)).toEqual([at(15), at(15), at(15)])
})

test('those who want the same are given the same bytes, and those who want nothing of it nothing', () => {
  const channel = createFeedChannel(at(0))
  const [a, b, claims, releases] = [follower(0), follower(0), follower(0, ['review.claimed']), follower(0, ['review.released'])]
  for (const each of [a, b, claims, releases]) channel.join(each)
  channel.publish([event(1), event(2, { type: 'review.claimed' })], at(2))
  expect(a.batches[0]?.frames).toBe(b.batches[0]?.frames)
  expect([a.seqs(), claims.seqs(), releases.seqs()]).toEqual([[1, 2], [2], []])
  expect(releases.position).toEqual(at(2))
})

test('what it remembers is bounded: whoever is further behind has to read the database', () => {
  const channel = createFeedChannel(at(0))
  const body = 'x'.repeat(200_000)
  for (let seq = 1; seq <= 5; seq++) channel.publish([event(seq, { body })], at(seq))
  expect([channel.covers(at(2)), channel.covers(at(3)), channel.covers(at(5)), channel.covers(at(6))]).toEqual([
    false,
    true,
    true,
    false,
  ])
  expect(channel.join(follower(2))).toBe(false)
  const late = follower(3)
  expect(channel.join(late)).toBe(true)
  expect(late.seqs()).toEqual([4, 5])
})

test('what it remembers is seconds old: an upload that was erased since is told of to nobody who comes back later', () => {
  let now = 0
  const channel = createFeedChannel(at(0), () => now)
  channel.publish([event(1)], at(1))
  now = 5000
  channel.publish([event(2)], at(2))
  now = 12_000
  channel.publish([], at(3))
  expect([channel.covers(at(0)), channel.covers(at(1)), channel.join(follower(0))]).toEqual([false, true, false])
  const late = follower(1)
  expect(channel.join(late)).toBe(true)
  expect(late.seqs()).toEqual([2])
})

test('whoever leaves hears no more', () => {
  const channel = createFeedChannel(at(0))
  const leaving = follower(0)
  leaving.take = () => void channel.leave(leaving)
  const staying = follower(0)
  channel.join(leaving)
  channel.join(staying)
  channel.publish([event(1)], at(1))
  channel.publish([event(2)], at(2))
  expect(channel.followers).toEqual(new Set([staying]))
  expect(staying.seqs()).toEqual([1, 2])
})
