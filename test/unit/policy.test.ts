import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parsePolicy } from '../../services/core/domain/parse-policy.ts'
import { ACTIONS, canonicalPolicy, mostSevere, type Policy } from '../../services/core/domain/policy.ts'

const document = {
  id: 'animals',
  title: 'No animals',
  mode: 'enforce',
  templates: ['a photo of {}.'],
  rules: [
    {
      id: 'animal',
      concepts: ['a cat', 'a dog'],
      contrast: ['a toy', 'food'],
      score: 'softmax',
      thresholds: { embedded: { flag: 0.6, reject: 0.9 }, default: { flag: 0.7 } },
    },
    { id: 'snake', concepts: ['a snake'], thresholds: { flag: 0.5 } },
  ],
  tests: [{ image: 'cat.jpg', expect: 'flag' }],
}

function canonical(value: unknown): string {
  const parsed = parsePolicy(value)
  if (!parsed.ok) throw new Error(parsed.problems.map(({ message }) => message).join('; '))
  return canonicalPolicy(parsed.policy)
}

/** The same value with the keys of every object in another order. */
function shuffled(value: unknown, order: (keys: string[]) => string[]): unknown {
  if (Array.isArray(value)) return value.map((each) => shuffled(each, order))
  if (typeof value !== 'object' || value === null) return value
  const entries = new Map(Object.entries(value))
  return Object.fromEntries(order([...entries.keys()]).map((key) => [key, shuffled(entries.get(key), order)]))
}

describe('a policy’s version', () => {
  test('does not follow the order of keys', () => {
    const order = fc.infiniteStream(fc.nat()).map((numbers) => (keys: string[]) => {
      const ranked = keys.map((key) => ({ key, rank: numbers.next().value }))
      return ranked.sort((a, b) => a.rank - b.rank).map(({ key }) => key)
    })
    fc.assert(
      fc.property(order, (by) => {
        expect(canonical(shuffled(document, by))).toBe(canonical(document))
      }),
    )
  })

  test.each([
    ['the title', { title: 'Animals are not sold here' }],
    ['the prose', { description: 'Why', limits: 'What it cannot see' }],
    ['the tests', { tests: [] }],
    ['a rule’s title', { rules: [{ ...document.rules[0], title: 'Animals' }, document.rules[1]] }],
    ['a default that is written out', { rules: [document.rules[0], { ...document.rules[1], score: 'softmax', contrast: [] }] }],
    ['views that every policy sees', { views: 'full' }],
    ['templates that the rule repeats', { rules: [{ ...document.rules[0], templates: ['a photo of {}.'] }, document.rules[1]] }],
  ])('does not follow %s', (_, change) => {
    expect(canonical({ ...document, ...change })).toBe(canonical(document))
  })

  const change = (of: object) => ({ rules: [{ ...document.rules[0], ...of }, document.rules[1]] })
  test.each([
    ['the id', { id: 'pets' }],
    ['the mode', { mode: 'shadow' }],
    ['a template', { templates: ['a drawing of {}.'] }],
    ['a rule’s id', change({ id: 'pet' })],
    ['a concept', change({ concepts: ['a cat', 'a bird'] })],
    ['the order of concepts, which names the prompt shown in a tie', change({ concepts: ['a dog', 'a cat'] })],
    ['a contrast', change({ contrast: ['a toy'] })],
    ['the score', change({ score: 'margin' })],
    ['the background', change({ background: 0.25 })],
    ['a threshold', change({ thresholds: { embedded: { flag: 0.6, reject: 0.91 }, default: { flag: 0.7 } } })],
    ['a model’s thresholds', change({ thresholds: { embedded: { flag: 0.6, reject: 0.9 }, other: { flag: 0.7 } } })],
    ['a rule', { rules: [document.rules[0]] }],
    ['views', { views: 'tiles' }],
  ])('follows %s', (_, changed) => {
    expect(canonical({ ...document, ...changed })).not.toBe(canonical(document))
  })

  test('does not follow how views are written, but which they are', () => {
    const version = (views: unknown) => canonical({ ...document, views })
    expect(version(['frames:8', 'full', 'tiles'])).toBe(version(['tiles', 'frames:8']))
    const all = ['full', 'tiles', 'frames:8', 'frames:9', ['tiles', 'frames:8']].map(version)
    expect(new Set(all).size).toBe(all.length)
  })

  test('is what it was before policies had views, for those that say nothing of them', () => {
    expect(Object.keys(JSON.parse(canonical(document)))).toEqual(['id', 'mode', 'rules'])
    expect(canonical(document)).toMatch(/^{"id":"animals","mode":"enforce","rules":\[/)
  })

  test('is the same for the same policy read twice', () => {
    const parsed = parsePolicy(document) as { policy: Policy }
    expect(canonicalPolicy(structuredClone(parsed.policy))).toBe(canonicalPolicy(parsed.policy))
  })
})

test('of two actions the more severe is taken, in either order', () => {
  for (const [a, mild] of ACTIONS.entries())
    for (const [b, severe] of ACTIONS.entries()) {
      expect(mostSevere(mild, severe)).toBe(ACTIONS[Math.max(a, b)])
      expect(mostSevere(severe, mild)).toBe(mostSevere(mild, severe))
    }
})
