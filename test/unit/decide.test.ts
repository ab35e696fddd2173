import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CompiledPolicy, CompiledRule } from '../../services/core/domain/compile-policy.ts'
import { applyPolicies, applyRule, outcomeOf } from '../../services/core/domain/decide.ts'
import { ACTIONS, type Action } from '../../services/core/domain/policy.ts'
import { model, policy, rule, share, views } from '../support/arbitrary.ts'

const severity = (action: Action) => ACTIONS.indexOf(action)
const mostSevere = (actions: Action[]) => Math.max(0, ...actions.map(severity))

/** A rule whose score is the first coordinate of a view. */
function cosineRule(thresholds: CompiledRule['thresholds']): CompiledRule {
  const concept = { phrase: 'a cat', prompt: 'a photo of a cat.', embedding: Float32Array.of(1, 0) }
  return { id: 'cat', score: 'cosine', concepts: [concept], contrasts: [], thresholds }
}

function viewsOf(...scores: number[]) {
  return scores.map((score, index) => ({ view: `view-${index}`, embedding: Float32Array.of(score, 0) }))
}

describe('a rule', () => {
  test.each([
    [0.5, 'approve', false, 0.6],
    [0.6, 'flag', true, 0.6],
    [0.89, 'flag', true, 0.6],
    [0.9, 'reject', true, 0.9],
  ])('that scores %d comes to %s', (score, action, matched, threshold) => {
    const thresholds = { flag: Math.fround(0.6), reject: Math.fround(0.9) }
    const result = applyRule(cosineRule(thresholds), viewsOf(score), model)
    expect(result).toMatchObject({ action, matched, score: Math.fround(score), threshold: Math.fround(threshold) })
    expect(result).not.toHaveProperty('error')
  })

  test('without a threshold to reject never rejects, and without one to flag only rejects', () => {
    expect(applyRule(cosineRule({ flag: 0.5 }), viewsOf(1), model).action).toBe('flag')
    expect(applyRule(cosineRule({ reject: 0.5 }), viewsOf(1), model).action).toBe('reject')
    expect(applyRule(cosineRule({ reject: 0.5 }), viewsOf(0.4), model).action).toBe('approve')
  })

  test('takes its highest view', () => {
    expect(applyRule(cosineRule({ flag: 0.5 }), viewsOf(0.1, 0.7, 0.3), model)).toMatchObject({ view: 'view-1', action: 'flag' })
  })

  test('is no milder for another view, nor for lower thresholds', () => {
    fc.assert(
      fc.property(rule, views, views, share, (each, some, more, lower) => {
        const before = severity(applyRule(each, some, model).action)
        const { flag, reject } = each.thresholds
        const thresholds = {
          flag: flag === undefined ? undefined : flag * lower,
          reject: reject === undefined ? undefined : reject * lower,
        }
        expect(severity(applyRule(each, [...some, ...more], model).action)).toBeGreaterThanOrEqual(before)
        if (each.score === 'softmax' || each.score === 'sigmoid')
          expect(severity(applyRule({ ...each, thresholds }, some, model).action)).toBeGreaterThanOrEqual(before)
      }),
    )
  })

  test.each([
    ['has no thresholds for the model', cosineRule({}), viewsOf(0.1), /no threshold/],
    ['cannot be computed', { ...cosineRule({ flag: 0.5 }), score: 'sigmoid' as const }, viewsOf(0.1), /logit bias/],
    ['is no number', cosineRule({ flag: 0.5 }), viewsOf(Number.NaN), /NaN/],
    ['has no view to look at', cosineRule({ flag: 0.5 }), [], /no views/],
  ])('whose score %s flags, and says why', (_, each, some, reason) => {
    const { logitBias: _bias, ...unbiased } = model
    const result = applyRule(each, some, unbiased)
    expect(result).toMatchObject({ action: 'flag', matched: false, error: expect.stringMatching(reason) })
    expect(result).not.toHaveProperty('score')
  })
})

describe('a policy', () => {
  test('comes to the most severe of its rules, and is left out when it is off', () => {
    fc.assert(
      fc.property(fc.array(policy), views, (policies, some) => {
        const verdicts = applyPolicies(policies, some, model)
        expect(verdicts.map(({ id }) => id)).toEqual(policies.filter(({ mode }) => mode !== 'off').map(({ id }) => id))
        for (const { action, rules } of verdicts) expect(severity(action)).toBe(mostSevere(rules.map((each) => each.action)))
      }),
    )
  })

  test('judges the same views the same way every time', () => {
    fc.assert(
      fc.property(fc.array(policy), views, (policies, some) => {
        expect(applyPolicies(policies, some, model)).toEqual(applyPolicies(policies, some, model))
      }),
    )
  })
})

describe('an upload', () => {
  test('comes to the most severe of its enforced policies, and names those that did not approve', () => {
    fc.assert(
      fc.property(fc.array(policy), views, (policies, some) => {
        const verdicts = applyPolicies(policies, some, model)
        const enforced = verdicts.filter(({ mode }) => mode === 'enforce')
        const { action, reasonCodes } = outcomeOf(verdicts)
        expect(severity(action)).toBe(mostSevere(enforced.map((verdict) => verdict.action)))
        expect(reasonCodes).toEqual(enforced.filter((verdict) => verdict.action !== 'approve').map(({ id }) => id))
      }),
    )
  })

  test('does not feel a policy in shadow, whatever it says', () => {
    fc.assert(
      fc.property(fc.array(policy), policy, views, (policies, other, some) => {
        const shadow: CompiledPolicy = { ...other, mode: 'shadow' }
        const alone = outcomeOf(applyPolicies(policies, some, model))
        expect(outcomeOf(applyPolicies([...policies, shadow], some, model))).toEqual(alone)
      }),
    )
  })

  test('that no policy is about is approved', () => {
    expect(outcomeOf([])).toEqual({ action: 'approve', reasonCodes: [] })
  })
})
