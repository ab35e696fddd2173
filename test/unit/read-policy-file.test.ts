import { describe, expect, test } from 'vitest'
import { readPolicyText } from '../../services/core/infra/read-policy-file.ts'

const GOOD = `id: animals
title: No animals
mode: enforce
rules:
  - id: animal
    concepts: [a cat, a dog]
    thresholds: { flag: 0.6 }
`

describe('reading a policy', () => {
  test('fills in what may be left out', () => {
    const { policy, problems } = readPolicyText('animals.yaml', GOOD)
    expect(problems).toEqual([])
    expect(policy).toMatchObject({
      id: 'animals',
      file: 'animals.yaml',
      templates: ['a photo of {}.'],
      tests: [],
      rules: [{ score: 'softmax', contrast: [], thresholds: { '*': { flag: 0.6 } } }],
    })
  })

  test('has a version that follows the meaning and nothing else', () => {
    const version = (text: string) => readPolicyText('a.yaml', text).policy?.version
    expect(version(GOOD)).toMatch(/^[0-9a-f]{64}$/)
    expect(version(`# a comment\n${GOOD.replace('No animals', 'No pets')}`)).toBe(version(GOOD))
    expect(version(GOOD.replace('0.6', '0.7'))).not.toBe(version(GOOD))
    expect(version(GOOD.replace('a dog', 'a bird'))).not.toBe(version(GOOD))
  })

  test('reports every problem at once, each with its line and column', () => {
    const { policy, problems } = readPolicyText(
      'bad.yaml',
      `id: Animals
title: No animals
mode: loud
colour: red
rules:
  - id: animal
    concepts: []
    thresholds: { flag: 1.6 }
  - id: other
    concepts: [a cat]
    contrast: [a cat]
    thresholds:
      embedded: { flag: 0.9, reject: 0.5 }
tests:
  - { image: x.jpg, expect: maybe }
`,
    )
    expect(policy).toBeUndefined()
    const places = problems.map(({ line, column, message }) => `${line}:${column} ${message}`)
    expect(places).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^1:5 an id is/),
        expect.stringMatching(/^3:7 /),
        expect.stringMatching(/^4:1 unknown field "colour"/),
        expect.stringMatching(/^7:15 a rule needs at least one concept/),
        expect.stringMatching(/^13:7 flag must not be above reject/),
        expect.stringMatching(/^15:29 /),
      ]),
    )
    expect(problems.every(({ file, severity }) => file === 'bad.yaml' && severity === 'error')).toBe(true)
  })

  test.each([
    ['broken YAML', 'id: [a', /1:/],
    ['a key given twice', `${GOOD}id: again\n`, /^8:1 .*unique/],
    ['an empty file', '', /^1:1 /],
    ['a list', '- a\n', /^1:1 /],
    ['a missing field', GOOD.replace('title: No animals\n', ''), /^1:1 /],
    ['a threshold outside the score', GOOD.replace('0.6', '60'), /^7:25 a softmax score lies in \[0, 1\]/],
    ['views that are none', `${GOOD}views: frames:2\n`, /^8:8 frames:3 to frames:32 can be asked for/],
    ['a view among others that is none', `${GOOD}views: [tiles, frames: 8]\n`, /^8:16 full, tiles, frames:8 or a list of these/],
    ['thresholds without a number', GOOD.replace('flag: 0.6', ''), /^7:5 flag, reject or both are needed/],
    [
      'a contrast that is a concept',
      GOOD.replace('[a cat, a dog]', '[a cat]\n    contrast: [a dog, a cat]'),
      /^7:23 "a cat" is also a concept/,
    ],
    [
      'two rules with one id',
      `${GOOD}  - { id: animal, concepts: [a bird], thresholds: { flag: 1 } }\n`,
      /^8:11 "animal" is there twice/,
    ],
    ['a template without a place', `${GOOD}templates: [a photo]\n`, /^8:13 a template needs \{\}/],
    [
      'a test of a rule that is not there',
      `${GOOD}tests: [{ image: a.jpg, expect: flag, rule: bird }]\n`,
      /^8:45 there is no rule "bird"/,
    ],
  ])('says where %s is', (_, text, place) => {
    const { policy, problems } = readPolicyText('p.yaml', text)
    expect(policy).toBeUndefined()
    expect(problems.map(({ line, column, message }) => `${line}:${column} ${message}`)).toEqual(
      expect.arrayContaining([expect.stringMatching(place)]),
    )
  })

  test('an alias bomb is refused, not expanded', () => {
    const lists = Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(', ')}]`)
    const { policy, problems } = readPolicyText('bomb.yaml', `a0: &a0 [x]\n${lists.join('\n')}\n`)
    expect(policy).toBeUndefined()
    expect(problems).toMatchObject([{ line: 1, message: expect.stringMatching(/alias/i) }])
  })
})
