import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { applyPolicies } from '../../services/core/domain/decide.ts'
import { askedViews, framesSeen, likelyFrames, type PolicyViews, viewNames, viewsFor } from '../../services/core/domain/views.ts'
import { model } from '../support/arbitrary.ts'

const frames = fc.integer({ min: 3, max: 32 })
const count = fc.integer({ min: 1, max: 2000 })

const named = (...names: string[]) => names.map((view) => ({ view }))
const seenBy = (views: PolicyViews | undefined, names: string[], of = 100) =>
  viewsFor({ views }, named(...names), of).map(({ view }) => view)

describe('the frames of an animation that are seen', () => {
  test('are the first and the middle one when nothing is asked for', () => {
    expect(framesSeen(1, [])).toEqual([0])
    expect(framesSeen(2, [])).toEqual([0, 1])
    expect(framesSeen(5, [])).toEqual([0, 2])
  })

  test('lie evenly, the first always among them', () => {
    expect(framesSeen(100, [8])).toEqual([0, 12, 25, 37, 50, 62, 75, 87])
    expect(framesSeen(100, [5])).toEqual([0, 20, 40, 50, 60, 80])
  })

  test('are all of a short one', () => {
    expect(framesSeen(6, [8])).toEqual([0, 1, 2, 3, 4, 5])
  })

  test('are there, and have no longer gap between them than even ones', () => {
    fc.assert(
      fc.property(count, frames, (of, asked) => {
        const seen = framesSeen(of, [asked])
        for (const [index, frame] of seen.entries()) {
          expect(frame).toBeLessThan(of)
          expect((seen[index + 1] ?? of) - frame).toBeLessThanOrEqual(Math.ceil(of / asked))
        }
      }),
    )
  })
})

describe('a policy is judged by the views that it asks for', () => {
  const all = ['full', 'tile-1-1', 'tile-1-2', 'frame-20', 'frame-25', 'frame-50', 'frame-75']

  test('the first and the middle frame, when it asks for nothing', () => {
    expect(seenBy(undefined, all)).toEqual(['full', 'frame-50'])
  })

  test('tiles', () => {
    expect(seenBy({ tiles: true }, all)).toEqual(['full', 'tile-1-1', 'tile-1-2', 'frame-50'])
  })

  test('frames, also where others asked for other ones', () => {
    expect(seenBy({ tiles: false, frames: 4 }, all)).toEqual(['full', 'frame-25', 'frame-50', 'frame-75'])
    expect(seenBy({ tiles: false, frames: 5 }, all)).toEqual(['full', 'frame-20', 'frame-50'])
  })

  test('on black and on white', () => {
    const names = ['on-black', 'on-white', 'tile-1-1-on-black', 'tile-1-1-on-white', 'frame-50-on-black', 'frame-7-on-white']
    expect(seenBy(undefined, names)).toEqual(['on-black', 'on-white', 'frame-50-on-black'])
    expect(seenBy({ tiles: true }, names)).toHaveLength(5)
  })

  test('so that no other policy changes what it comes to', () => {
    const concept = { phrase: 'a cat', prompt: 'a cat', embedding: Float32Array.of(1, 0) }
    const rules = [{ id: 'cat', score: 'cosine' as const, concepts: [concept], contrasts: [], thresholds: { flag: 0.5 } }]
    const policy = { title: 'Cats', version: '1', mode: 'enforce' as const, rules }
    const views = [
      { view: 'full', embedding: Float32Array.of(0.1, 0) },
      { view: 'tile-2-2', embedding: Float32Array.of(0.9, 0) },
    ]
    const verdicts = applyPolicies(
      [
        { ...policy, id: 'whole' },
        { ...policy, id: 'tiled', views: { tiles: true } },
      ],
      views,
      model,
    )
    expect(verdicts.map(({ id, action, rules: [rule] }) => [id, action, rule?.view])).toEqual([
      ['whole', 'approve', 'full'],
      ['tiled', 'flag', 'tile-2-2'],
    ])
  })
})

test('what several policies ask for is asked for together', () => {
  const asked = askedViews([
    {},
    { views: { tiles: false, frames: 8 } },
    { views: { tiles: true, frames: 4 } },
    { views: { tiles: true, frames: 8 } },
  ])
  expect(asked).toEqual({ tiles: true, frames: [4, 8] })
  expect(askedViews([{}])).toEqual({ tiles: false, frames: [] })
})

test('views are told as policies write them', () => {
  expect(viewNames(undefined)).toEqual(['full'])
  expect(viewNames({ tiles: true, frames: 8 })).toEqual(['tiles', 'frames:8'])
})

test('of the views that are left of an animation those of a policy are found again', () => {
  fc.assert(
    fc.property(count, frames, (of, asked) => {
      // Of an odd number and one more than that the same frames are seen, and either of two may be the middle.
      fc.pre(of !== asked + 1 || asked % 2 === 0)
      const left = named(
        'full',
        ...framesSeen(of, [asked])
          .slice(1)
          .map((frame) => `frame-${frame}`),
      )
      const likely = likelyFrames(left, [asked])
      for (const views of [undefined, { tiles: false, frames: asked }])
        expect(viewsFor({ views }, left, likely)).toEqual(viewsFor({ views }, left, of))
    }),
  )
})
