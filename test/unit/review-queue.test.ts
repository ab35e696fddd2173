import { describe, expect, test } from 'vitest'
import { filterOfName, type OpenGroup, QUEUE_NAME, queuesOf } from '../../services/core/domain/review-queue.ts'

const at = (minute: number) => new Date(Date.UTC(2026, 5, 30, 12, minute))
const group = (values: Partial<OpenGroup>): OpenGroup => ({ policies: [], origin: 'decision', open: 1, oldest: at(0), ...values })

const GROUPS = [
  group({ policies: ['weapons'], source: 'app', open: 3, oldest: at(5) }),
  group({ policies: ['alcohol', 'weapons'], source: 'web', open: 2, oldest: at(2) }),
  group({ policies: ['alcohol'], origin: 'appeal', oldest: at(9) }),
]

describe('the queues', () => {
  test('are everything, what is saved, and each policy and source with open reviews, with their lengths and their oldest', () => {
    const saved = [{ name: 'Appeals', filter: { origin: 'appeal' as const } }]
    const told = queuesOf(GROUPS, saved).map(({ name, saved: isSaved, open, oldest_opened_at }) => [
      name,
      isSaved,
      open,
      oldest_opened_at,
    ])
    expect(told).toEqual([
      ['all', false, 6, at(2).toISOString()],
      ['Appeals', true, 1, at(9).toISOString()],
      ['policy:alcohol', false, 3, at(2).toISOString()],
      ['policy:weapons', false, 5, at(2).toISOString()],
      ['source:app', false, 3, at(5).toISOString()],
      ['source:web', false, 2, at(2).toISOString()],
    ])
  })

  test('that are empty are told when they have a name, and have no oldest', () => {
    expect(queuesOf([], [{ name: 'web', filter: { source: 'web', policy: 'weapons' } }])).toEqual([
      { name: 'all', filter: {}, saved: false, open: 0 },
      { name: 'web', filter: { source: 'web', policy: 'weapons' }, saved: true, open: 0 },
    ])
  })

  test('can be asked for by the names that they are told under', () => {
    for (const { name, filter } of queuesOf(GROUPS, [])) expect(filterOfName(name), name).toEqual(filter)
    expect(filterOfName('Appeals')).toBeUndefined()
  })

  test('of sources are the longest fifty, since platforms name these as they like', () => {
    const many = Array.from({ length: 300 }, (_, i) => group({ source: `s${i}`, open: i + 1 }))
    const sources = queuesOf(many, []).filter(({ name }) => name.startsWith('source:'))
    expect(sources).toHaveLength(50)
    expect(Math.min(...sources.map(({ open }) => open))).toBe(251)
  })

  test('cost no more for each review when every review has a source of its own', () => {
    let looks = 0
    const many = Array.from({ length: 2000 }, (_, i) => ({
      ...group({}),
      get source() {
        looks++
        return `s${i}`
      },
    }))
    queuesOf(many, [])
    expect(looks / many.length).toBeLessThan(5)
  })

  test.each([
    ['weekend', true],
    ['Übersicht 2', true],
    ['policy:weapons', false],
    ['', false],
    [' x', false],
    ['a\nb', false],
  ])('%j is a name that people can give: %s', (name, ok) => {
    expect(QUEUE_NAME.test(name)).toBe(ok)
  })
})
