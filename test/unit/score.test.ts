import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CompiledRule } from '../../services/core/domain/compile-policy.ts'
import { cosineScore, marginScore, scoreView, sigmoidScore, softmaxScore } from '../../services/core/domain/score.ts'
import { cosine, cosines, model } from '../support/arbitrary.ts'

/** As CLIP's and SigLIP's. */
const SCALES = [4.6, 100]
const scale = fc.constantFrom(...SCALES)
const contrasts = fc.oneof(fc.constant<number[]>([]), cosines)
const background = fc.option(cosine, { nil: undefined })
const TINY = 1e-12

describe('softmax', () => {
  test('is the published softmax when there is no background', () => {
    const [cat, dog, toy] = [0.25, 0.22, 0.24].map((c) => Math.exp(100 * c)) as [number, number, number]
    expect(softmaxScore([0.25, 0.22], [0.24], 100)).toBeCloseTo((cat + dog) / (cat + dog + toy), 12)
  })

  test('is a share: within 0 and 1, and 1 without anything to beat', () => {
    fc.assert(
      fc.property(cosines, contrasts, scale, background, (concepts, others, logitScale, fixed) => {
        const score = softmaxScore(concepts, others, logitScale, fixed)
        expect(score).toBeGreaterThanOrEqual(0)
        expect(score).toBeLessThanOrEqual(1)
      }),
    )
    expect(softmaxScore([-0.3], [], 100)).toBe(1)
  })

  test('never falls when the picture comes nearer to a concept, nor rises when nearer to a contrast', () => {
    fc.assert(
      fc.property(cosines, cosines, cosine, scale, background, (concepts, others, nearer, logitScale, fixed) => {
        const raised = (values: number[]) => [Math.max(values[0] as number, nearer), ...values.slice(1)]
        const score = softmaxScore(concepts, others, logitScale, fixed)
        expect(softmaxScore(raised(concepts), others, logitScale, fixed)).toBeGreaterThanOrEqual(score - TINY)
        expect(softmaxScore(concepts, raised(others), logitScale, fixed)).toBeLessThanOrEqual(score + TINY)
      }),
    )
  })

  test('a background lowers it, the more the higher it is', () => {
    fc.assert(
      fc.property(cosines, contrasts, scale, cosine, cosine, (concepts, others, logitScale, a, b) => {
        const without = softmaxScore(concepts, others, logitScale)
        const low = softmaxScore(concepts, others, logitScale, Math.min(a, b))
        const high = softmaxScore(concepts, others, logitScale, Math.max(a, b))
        expect(low).toBeLessThanOrEqual(without + TINY)
        expect(high).toBeLessThanOrEqual(low + TINY)
      }),
    )
    expect(softmaxScore([0.1], [0.05], 100)).toBeGreaterThan(0.99)
    expect(softmaxScore([0.1], [0.05], 100, 0.25)).toBeLessThan(0.01)
  })

  test('does not depend on the order of concepts and contrasts', () => {
    fc.assert(
      fc.property(cosines, cosines, scale, (concepts, others, logitScale) => {
        const score = softmaxScore(concepts, others, logitScale)
        expect(softmaxScore(concepts.toReversed(), others.toReversed(), logitScale)).toBeCloseTo(score, 12)
      }),
    )
  })
})

test('sigmoid is the nearest concept’s, within 0 and 1', () => {
  expect(sigmoidScore([0.05, 0.1], 100, -10)).toBeCloseTo(0.5, 12)
  fc.assert(
    fc.property(cosines, scale, fc.double({ min: -20, max: 20, noNaN: true }), (concepts, logitScale, bias) => {
      const score = sigmoidScore(concepts, logitScale, bias)
      expect(score).toBeGreaterThanOrEqual(0)
      expect(score).toBeLessThanOrEqual(1)
      expect(score).toBe(sigmoidScore([Math.max(...concepts)], logitScale, bias))
    }),
  )
})

test('cosine is the nearest concept’s cosine, margin its lead over the nearest contrast', () => {
  expect(cosineScore([0.1, 0.3, 0.2])).toBe(0.3)
  expect(marginScore([0.1, 0.3], [0.2, -0.1])).toBeCloseTo(0.1, 12)
  expect(marginScore([0.1, 0.3], [])).toBe(0.3)
})

describe('scoring a view', () => {
  const phrase = (name: string, ...embedding: number[]) => ({
    phrase: name,
    prompt: `a photo of ${name}.`,
    embedding: Float32Array.from(embedding),
  })
  const rule: CompiledRule = {
    id: 'animal',
    score: 'softmax',
    concepts: [phrase('a dog', 0, 1), phrase('a cat', 1, 0)],
    contrasts: [phrase('a toy', -1, 0), phrase('food', 0.6, 0.8)],
    thresholds: { flag: 0.5 },
  }
  const view = Float32Array.of(1, 0)

  test('names the concept and the contrast that came nearest', () => {
    expect(scoreView(rule, view, model)).toMatchObject({ concept: { phrase: 'a cat' }, contrast: { phrase: 'food' } })
    expect(scoreView({ ...rule, contrasts: [] }, view, model).contrast).toBeUndefined()
  })

  test('uses the score that the rule names', () => {
    const scores = (['softmax', 'sigmoid', 'cosine', 'margin'] as const).map(
      (score) => scoreView({ ...rule, score }, view, model).score,
    )
    expect(scores[0]).toBeCloseTo(1, 12)
    expect(scores[1]).toBeCloseTo(1, 12)
    expect(scores[2]).toBe(1)
    expect(scores[3]).toBeCloseTo(0.4, 6)
  })

  test('fails where a model has no logit bias for sigmoid, and for an embedding that is no number', () => {
    const { logitBias: _, ...unbiased } = model
    expect(() => scoreView({ ...rule, score: 'sigmoid' }, view, unbiased)).toThrow(/no logit bias/)
    for (const score of ['softmax', 'sigmoid', 'cosine', 'margin'] as const)
      expect(() => scoreView({ ...rule, score }, Float32Array.of(Number.NaN, 0), model)).toThrow(RangeError)
  })
})
