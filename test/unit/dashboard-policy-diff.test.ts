import fc from 'fast-check'
import { expect, test } from 'vitest'
import { diffLines, withContext } from '../../services/api/dashboard/policy/diff-lines.ts'
import { policyText } from '../../services/api/dashboard/policy/policy-text.ts'

const body = (flag: number, concepts: string[]) => ({
  id: 'weapons',
  mode: 'enforce',
  rules: [
    { id: 'weapon', templates: ['a photo of {}.'], concepts, contrast: [], score: 'softmax', thresholds: [['*', { flag }]] },
  ],
})

test('a policy reads as it does in its file, a line for each thing that can change', () => {
  expect(policyText(body(0.54, ['a gun', 'a bow']))).toEqual([
    'id: weapons',
    'mode: enforce',
    'rules:',
    '  - id: weapon',
    '    templates:',
    '      - a photo of {}.',
    '    concepts:',
    '      - a gun',
    '      - a bow',
    '    contrast:',
    '    score: softmax',
    '    thresholds:',
    '      *:',
    '        flag: 0.54',
  ])
})

test('what changed is told line by line', () => {
  const lines = diffLines(policyText(body(0.5, ['a gun', 'a bow'])), policyText(body(0.6, ['a gun', 'a sword'])))
  expect(lines.filter(({ kind }) => kind !== 'same')).toEqual([
    { kind: 'removed', text: '      - a bow' },
    { kind: 'added', text: '      - a sword' },
    { kind: 'removed', text: '        flag: 0.5' },
    { kind: 'added', text: '        flag: 0.6' },
  ])
})

test('lines far from a change are left out, and counted', () => {
  const before = Array.from({ length: 20 }, (_, index) => `line ${index}`)
  const parts = withContext(diffLines(before, [...before.slice(0, 19), 'another']))
  expect(parts).toEqual([
    { kind: 'left-out', count: 17 },
    {
      kind: 'lines',
      lines: [
        { kind: 'same', text: 'line 17' },
        { kind: 'same', text: 'line 18' },
        { kind: 'removed', text: 'line 19' },
        { kind: 'added', text: 'another' },
      ],
    },
  ])
})

test('any two texts can be told from their difference', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 12 })
  fc.assert(
    fc.property(text, text, (before, after) => {
      const lines = diffLines(before, after)
      expect(lines.filter(({ kind }) => kind !== 'added').map((line) => line.text)).toEqual(before)
      expect(lines.filter(({ kind }) => kind !== 'removed').map((line) => line.text)).toEqual(after)
    }),
  )
})
