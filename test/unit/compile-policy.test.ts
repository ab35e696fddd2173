import { describe, expect, test } from 'vitest'
import { compilePolicy, thresholdsFor } from '../../services/core/domain/compile-policy.ts'
import { type LoadedPolicy, promptsOf, type Rule } from '../../services/core/domain/policy.ts'
import { dot, normalise } from '../../services/core/domain/vector.ts'
import { model } from '../support/arbitrary.ts'

const rule: Rule = {
  id: 'animal',
  concepts: ['a cat'],
  contrast: ['a toy'],
  score: 'softmax',
  thresholds: { '*': { flag: 0.6 } },
}
const policy: LoadedPolicy = {
  id: 'animals',
  title: 'No animals',
  mode: 'shadow',
  templates: ['a photo of {}.', 'a drawing of {}.'],
  rules: [rule],
  tests: [],
  file: 'animals.yaml',
  version: 'v1',
}
const texts = new Map([
  ['a photo of a cat.', Float32Array.of(1, 0)],
  ['a drawing of a cat.', Float32Array.of(0, 1)],
  ['a photo of a toy.', Float32Array.of(1, 0)],
  ['a drawing of a toy.', Float32Array.of(1, 0)],
])

describe('compiling a policy', () => {
  test('a phrase is embedded as the mean direction of its templates, and shown by the first', () => {
    const { rules } = compilePolicy(policy, model, texts)
    const concept = rules[0]?.concepts[0]
    expect(concept).toMatchObject({ phrase: 'a cat', prompt: 'a photo of a cat.' })
    expect(dot(concept?.embedding as Float32Array, normalise(Float32Array.of(1, 1)))).toBeCloseTo(1, 6)
    expect(rules[0]?.contrasts.map(({ phrase }) => phrase)).toEqual(['a toy'])
  })

  test('a rule’s own templates and background stand instead of the policy’s and the model’s', () => {
    const own = { ...policy, rules: [{ ...rule, templates: ['a photo of {}.'], background: 0.1 }] }
    const calibrated = { ...model, backgroundCosine: 0.25 }
    expect([...(compilePolicy(own, calibrated, texts).rules[0]?.concepts[0]?.embedding ?? [])]).toEqual([1, 0])
    expect(compilePolicy(own, calibrated, texts).rules[0]?.background).toBe(0.1)
    expect(compilePolicy(policy, calibrated, texts).rules[0]?.background).toBe(0.25)
    expect(compilePolicy(policy, model, texts).rules[0]?.background).toBeUndefined()
  })

  test('needs exactly the prompts that the policy names', () => {
    expect(promptsOf(policy)).toEqual([...texts.keys()])
    for (const missing of texts.keys()) {
      const fewer = new Map([...texts].filter(([text]) => text !== missing))
      expect(() => compilePolicy(policy, model, fewer)).toThrow(missing)
    }
  })
})

describe('the thresholds for a model', () => {
  const own = { flag: 0.1 }
  const fallback = { flag: 0.2 }
  const any = { flag: 0.3 }

  test.each<[string, Rule['thresholds'], typeof own | undefined]>([
    ['are its own', { embedded: own, default: fallback }, own],
    ['are the default’s when it is not named', { other: own, default: fallback }, fallback],
    ['are those of a pair for every model', { '*': any }, any],
    ['are its own rather than every model’s', { '*': any, embedded: own }, own],
    ['are missing when neither it nor a default is named', { other: own }, undefined],
  ])('%s', (_, thresholds, expected) => {
    expect(thresholdsFor({ ...rule, thresholds }, 'embedded')).toEqual(expected)
  })

  test('are missing for a model whose name an object inherits', () => {
    expect(thresholdsFor({ ...rule, thresholds: { other: own } }, 'constructor')).toBeUndefined()
  })

  test('are none in a compiled rule when they are missing, so that it errors', () => {
    const unmeasured = { ...policy, rules: [{ ...rule, thresholds: { other: own } }] }
    expect(compilePolicy(unmeasured, model, texts).rules[0]?.thresholds).toEqual({})
  })
})
