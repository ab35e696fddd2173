import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parsePolicy } from '../../services/core/domain/parse-policy.ts'

type Draft = { [field: string]: unknown; rules: { [field: string]: unknown; concepts: unknown[] }[] }

/** A document that is good, for tests to spoil. */
function draft(): Draft {
  return {
    id: 'animals',
    title: 'No animals',
    mode: 'enforce',
    rules: [{ id: 'animal', concepts: ['a cat', 'a dog'], contrast: ['a toy'], thresholds: { flag: 0.6, reject: 0.9 } }],
    tests: [{ image: 'cat.jpg', expect: 'flag', rule: 'animal' }],
  }
}

const VIEWS_NEEDED = 'full, tiles, frames:8 or a list of these is needed'

/** `path: message` of each problem, in no order that matters. */
function problemsOf(document: unknown): string[] {
  const parsed = parsePolicy(document)
  return parsed.ok ? [] : parsed.problems.map(({ path, message }) => `${path.join('.')}: ${message}`)
}

function spoilt(spoil: (document: Draft, rule: Draft['rules'][0]) => void): Draft {
  const document = draft()
  spoil(document, document.rules[0] as Draft['rules'][0])
  return document
}

test('a good document is a policy, with what was left out filled in', () => {
  const parsed = parsePolicy(draft())
  expect(parsed).toMatchObject({
    ok: true,
    policy: { templates: ['a photo of {}.'], rules: [{ score: 'softmax', thresholds: { '*': { flag: 0.6, reject: 0.9 } } }] },
  })
})

test('thresholds may differ by model', () => {
  const thresholds = { embedded: { flag: 0.6 }, 'clip-b32': { reject: 0.9 }, default: { flag: 0.7, reject: 0.9 } }
  const parsed = parsePolicy(spoilt((_, rule) => Object.assign(rule, { thresholds })))
  expect(parsed).toMatchObject({ ok: true, policy: { rules: [{ thresholds }] } })
})

test.each([
  ['full', undefined],
  [['full'], undefined],
  ['tiles', { tiles: true }],
  ['frames:8', { tiles: false, frames: 8 }],
  [['full', 'tiles', 'frames:32'], { tiles: true, frames: 32 }],
])('views may be %j', (views, expected) => {
  const parsed = parsePolicy({ ...draft(), views })
  expect(parsed.ok && parsed.policy.views).toEqual(expected)
})

describe('a bad document is refused, with the place and the reason', () => {
  const cases: [string, (document: Draft, rule: Draft['rules'][0]) => void, string[]][] = [
    ['an unknown field', (document) => Object.assign(document, { colour: 1 }), ['colour: unknown field "colour"']],
    ['an unknown field of a rule', (_, rule) => Object.assign(rule, { prompt: 1 }), ['rules.0.prompt: unknown field "prompt"']],
    ['a missing title', (document) => delete document.title, ['title: "title" is missing']],
    ['a title left empty', (document) => Object.assign(document, { title: null }), ['title: text is needed']],
    ['a blank title', (document) => Object.assign(document, { title: ' ' }), ['title: must not be empty']],
    [
      'a mode that is none',
      (document) => Object.assign(document, { mode: 'on' }),
      ['mode: one of enforce, shadow, off is needed'],
    ],
    [
      'an id with capitals',
      (document) => Object.assign(document, { id: 'Animals' }),
      ['id: an id is 1 to 64 lower-case letters, digits and inner hyphens'],
    ],
    ['views that are none', (document) => Object.assign(document, { views: 'tile' }), [`views.0: ${VIEWS_NEEDED}`]],
    ['no views', (document) => Object.assign(document, { views: [] }), [`views: ${VIEWS_NEEDED}`]],
    ['views left empty', (document) => Object.assign(document, { views: null }), [`views: ${VIEWS_NEEDED}`]],
    ['a map of views', (document) => Object.assign(document, { views: { frames: 8 } }), [`views: ${VIEWS_NEEDED}`]],
    [
      'a map and a number among views',
      (document) => Object.assign(document, { views: ['tiles', { frames: 8 }, 8] }),
      [`views.1: ${VIEWS_NEEDED}`, `views.2: ${VIEWS_NEEDED}`],
    ],
    [
      'more frames than there may be',
      (document) => Object.assign(document, { views: ['frames:33'] }),
      ['views.0: frames:3 to frames:32 can be asked for; full has 2'],
    ],
    [
      'frames given twice',
      (document) => Object.assign(document, { views: ['frames:8', 'tiles', 'frames:9', 'tiles'] }),
      ['views.2: frames is there twice', 'views.3: tiles is there twice'],
    ],
    ['no rules', (document) => Object.assign(document, { rules: [], tests: [] }), ['rules: a policy needs at least one rule']],
    ['a rule that is text', (document) => document.rules.push('a cat' as never), ['rules.1: a map of fields is needed']],
    ['no concepts', (_, rule) => Object.assign(rule, { concepts: [] }), ['rules.0.concepts: a rule needs at least one concept']],
    ['a concept for a list', (_, rule) => Object.assign(rule, { concepts: 'cat' }), ['rules.0.concepts: a list is needed']],
    ['an empty concept', (_, rule) => rule.concepts.push('  '), ['rules.0.concepts.2: must not be empty']],
    ['a number for a concept', (_, rule) => rule.concepts.push(7), ['rules.0.concepts.2: text is needed']],
    ['a concept given twice', (_, rule) => rule.concepts.push(' a cat '), ['rules.0.concepts.2: "a cat" is there twice']],
    [
      'a contrast that is a concept',
      (_, rule) => Object.assign(rule, { contrast: ['a toy', 'a dog'] }),
      ['rules.0.contrast.1: "a dog" is also a concept'],
    ],
    [
      'a template without a place',
      (document) => Object.assign(document, { templates: ['a photo of {}.', 'a photo'] }),
      ['templates.1: a template needs {} where the concept goes'],
    ],
    ['no templates', (_, rule) => Object.assign(rule, { templates: [] }), ['rules.0.templates: at least one template is needed']],
    [
      'a score that is none',
      (_, rule) => Object.assign(rule, { score: 'best' }),
      ['rules.0.score: one of softmax, sigmoid, cosine, margin is needed'],
    ],
    [
      'a background out of range',
      (_, rule) => Object.assign(rule, { background: 25 }),
      ['rules.0.background: a cosine lies in [-1, 1]'],
    ],
    [
      'no thresholds',
      (_, rule) => delete rule.thresholds,
      ['rules.0.thresholds: thresholds are { flag, reject }, or a map from model ids to that'],
    ],
    [
      'empty thresholds',
      (_, rule) => Object.assign(rule, { thresholds: {} }),
      ['rules.0.thresholds: flag, reject or both are needed'],
    ],
    [
      'a threshold in text',
      (_, rule) => Object.assign(rule, { thresholds: { flag: '60 %' } }),
      ['rules.0.thresholds.flag: a number is needed'],
    ],
    [
      'a threshold in percent',
      (_, rule) => Object.assign(rule, { thresholds: { flag: 60 } }),
      ['rules.0.thresholds.flag: a softmax score lies in [0, 1]'],
    ],
    [
      'a threshold that no margin reaches',
      (_, rule) => Object.assign(rule, { score: 'margin', thresholds: { embedded: { flag: 0.1, reject: 2.5 } } }),
      ['rules.0.thresholds.embedded.reject: a margin score lies in [-2, 2]'],
    ],
    [
      'thresholds the wrong way round',
      (_, rule) => Object.assign(rule, { thresholds: { flag: 0.9, reject: 0.6 } }),
      ['rules.0.thresholds: flag must not be above reject'],
    ],
    [
      'a model among plain thresholds',
      (_, rule) => Object.assign(rule, { thresholds: { flag: 0.9, embedded: { flag: 0.5 } } }),
      ['rules.0.thresholds.embedded: unknown field "embedded"'],
    ],
    [
      'a number for a model’s thresholds',
      (_, rule) => Object.assign(rule, { thresholds: { embedded: 0.5, other: {} } }),
      [
        'rules.0.thresholds.embedded: a pair { flag, reject } is needed',
        'rules.0.thresholds.other: flag, reject or both are needed',
      ],
    ],
    ['a rule id given twice', (document, rule) => document.rules.push({ ...rule }), ['rules.1.id: "animal" is there twice']],
    [
      'a test of no rule',
      (document) => Object.assign(document, { tests: [{ image: 'cat.jpg', expect: 'flag', rule: 'bird' }] }),
      ['tests.0.rule: there is no rule "bird"'],
    ],
    [
      'a test that expects what is no action',
      (document) => Object.assign(document, { tests: [{ image: '', expect: 'ban' }] }),
      ['tests.0.image: must not be empty', 'tests.0.expect: one of approve, flag, reject is needed'],
    ],
  ]

  test.for(cases)('%s', ([, spoil, problems]) => {
    expect(problemsOf(spoilt(spoil)).sort()).toEqual([...problems].sort())
  })

  test.each([[null], ['a cat'], [[]], [42], [undefined]])('a document that is %j', (document) => {
    expect(problemsOf(document)).toEqual([': a map of fields is needed'])
  })

  test('all of it at once', () => {
    const independent = cases.filter(([name]) =>
      [
        'an unknown field',
        'a missing title',
        'a mode that is none',
        'an empty concept',
        'a contrast that is a concept',
        'a background out of range',
        'a threshold in percent',
        'a test of no rule',
      ].includes(name),
    )
    const document = spoilt((whole, rule) => {
      for (const [, spoil] of independent) spoil(whole, rule)
    })
    expect(problemsOf(document).sort()).toEqual(independent.flatMap(([, , problems]) => problems).sort())
  })
})

test('no document makes parsing throw, and none is refused without a reason', () => {
  const part = fc.oneof(fc.anything(), fc.constantFrom({ flag: 0.5 }, ['a cat'], 'a-cat', 'enforce', 'softmax', null))
  const rule = fc.record({ id: part, concepts: part, contrast: part, score: part, thresholds: part }, { requiredKeys: [] })
  const document = fc.record(
    { id: part, title: part, mode: part, rules: fc.oneof(part, fc.array(rule)), tests: part },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(document, (value) => {
      const parsed = parsePolicy(value)
      if (!parsed.ok) expect(parsed.problems.length).toBeGreaterThan(0)
    }),
    { numRuns: 300 },
  )
})
