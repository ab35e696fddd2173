import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CompiledRule } from '../../services/core/domain/compile-policy.ts'
import { applyPolicies } from '../../services/core/domain/decide.ts'
import { evidenceOf, explainPolicies, policyVersionsText, sharesOf } from '../../services/core/domain/explain.ts'
import * as arbitrary from '../support/arbitrary.ts'

const MODEL = { id: 'm', revision: 'r', logitScale: 10, logitBias: -5 }
const phrase = (text: string, ...vector: number[]) => ({
  phrase: text,
  prompt: `a photo of ${text}.`,
  embedding: Float32Array.from(vector),
})
const RULE: CompiledRule = {
  id: 'animal',
  score: 'softmax',
  concepts: [phrase('a cat', 1, 0), phrase('a dog', 0.6, 0.8)],
  contrasts: [phrase('a toy', 0, 1)],
  background: 0.25,
  thresholds: { flag: 0.5 },
}
const POLICY = { id: 'animals', title: 'Animals', version: 'v1', mode: 'enforce' as const, rules: [RULE] }
const CAT = Float32Array.of(1, 0)

describe('an explanation', () => {
  test('names each phrase as it was written, with its cosine and its share of the score', () => {
    const [policy] = explainPolicies([POLICY], [{ view: 'full', embedding: CAT }], MODEL)
    expect(policy).toMatchObject({ id: 'animals', version: 'v1', mode: 'enforce', action: 'flag' })
    const [rule] = policy?.rules ?? []
    expect(rule).toMatchObject({ id: 'animal', kind: 'softmax', threshold: 0.5, matched: true, view: 'full' })
    expect(rule?.concepts.map(({ text }) => text)).toEqual(['a cat', 'a dog'])
    expect(rule?.concepts[0]?.cosine).toBeCloseTo(1)
    expect(rule?.contrasts).toEqual([{ text: 'a toy', cosine: 0, share: expect.closeTo(0, 3) }])
    const shares = rule?.concepts.reduce((sum, { share }) => sum + share, 0)
    expect(shares).toBeCloseTo(rule?.score ?? -1)
  })

  test('agrees with the verdicts, whatever the rules and views', () => {
    fc.assert(
      fc.property(fc.array(arbitrary.policy), arbitrary.views, (policies, views) => {
        const explained = explainPolicies(policies, views, arbitrary.model)
        const verdicts = applyPolicies(policies, views, arbitrary.model)
        const bare = (each: { id: string; action: string; rules: { score?: number; matched: boolean; view?: string }[] }[]) =>
          each.map(({ id, action, rules }) => ({
            id,
            action,
            rules: rules.map(({ score, matched, view }) => [score, matched, view]),
          }))
        expect(bare(explained)).toEqual(bare(verdicts))
      }),
    )
  })

  test('of a rule that cannot be scored says why, and has no phrases', () => {
    const rule = { ...RULE, score: 'sigmoid' as const }
    const [policy] = explainPolicies([{ ...POLICY, rules: [rule] }], [{ view: 'full', embedding: CAT }], {
      ...MODEL,
      logitBias: undefined,
    })
    expect(policy?.action).toBe('flag')
    expect(policy?.rules).toEqual([
      {
        id: 'animal',
        kind: 'sigmoid',
        matched: false,
        error: expect.stringContaining('logit bias'),
        concepts: [],
        contrasts: [],
      },
    ])
  })

  test('is about the view that scored highest, and asks for the heat of that one', () => {
    const views = [
      { view: 'on-black', embedding: Float32Array.of(0, 1) },
      { view: 'on-white', embedding: CAT },
    ]
    const heat = { columns: 1, rows: 1, values: [1], box: { left: 0, top: 0, width: 1, height: 1 } }
    const [policy] = explainPolicies([POLICY], views, MODEL, (_rule, view) => (view === 'on-white' ? heat : undefined))
    expect(policy?.rules[0]).toMatchObject({ view: 'on-white', heat_map: heat })
  })

  test('leaves out policies that are off', () => {
    expect(explainPolicies([{ ...POLICY, mode: 'off' }], [{ view: 'full', embedding: CAT }], MODEL)).toEqual([])
  })
})

describe('shares', () => {
  test('of a softmax are all there is to share', () => {
    fc.assert(
      fc.property(arbitrary.rule, arbitrary.unitVector, (rule, view) => {
        const { concepts, contrasts, background } = sharesOf({ ...rule, score: 'softmax' }, view, arbitrary.model)
        const all = [...concepts, ...contrasts].reduce((sum, { share }) => sum + share, background?.share ?? 0)
        expect(all).toBeCloseTo(1)
      }),
    )
  })

  test('of a sigmoid are each its own', () => {
    const { concepts } = sharesOf({ ...RULE, score: 'sigmoid' }, CAT, MODEL)
    expect(concepts.map(({ share }) => share)).toEqual([
      expect.closeTo(1 / (1 + Math.exp(-5))),
      expect.closeTo(1 / (1 + Math.exp(-1))),
    ])
  })

  test('of cosine and margin only compare the phrases, without the background', () => {
    const { concepts, contrasts, background } = sharesOf({ ...RULE, score: 'cosine' }, CAT, MODEL)
    expect(background).toBeUndefined()
    expect([...concepts, ...contrasts].reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1)
  })
})

describe('evidence', () => {
  test.each([
    ['softmax', (score: number) => Math.log(score / (1 - score))],
    ['sigmoid', (score: number) => Math.log(score / (1 - score))],
    ['cosine', (score: number) => score],
    ['margin', (score: number) => score],
  ] as const)('of %s is its score, a probability as log-odds', (kind, scale) => {
    const rule = { ...RULE, score: kind }
    const view = Float32Array.of(0.8, 0.6)
    const [policy] = explainPolicies([{ ...POLICY, rules: [rule] }], [{ view: 'full', embedding: view }], MODEL)
    expect(evidenceOf(rule, view, MODEL)).toBeCloseTo(scale(policy?.rules[0]?.score ?? Number.NaN), 4)
  })

  test('of a softmax against nothing is still a number', () => {
    const alone = { ...RULE, contrasts: [], background: undefined }
    expect(evidenceOf(alone, CAT, MODEL)).toBeCloseTo(1)
  })
})

test('the same policies have the same text of versions in whatever order, and policies that are off are not in it', () => {
  const other = { id: 'weapons', version: 'v2', mode: 'shadow' as const }
  expect(policyVersionsText([POLICY, other])).toBe(policyVersionsText([other, POLICY]))
  expect(policyVersionsText([POLICY, { ...other, mode: 'off' }])).toBe(policyVersionsText([POLICY]))
  expect(policyVersionsText([POLICY, { ...other, version: 'v3' }])).not.toBe(policyVersionsText([POLICY, other]))
})
