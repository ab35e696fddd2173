import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { applyPolicies } from '../../services/core/domain/decide.ts'
import type { Action } from '../../services/core/domain/policy.ts'
import { type StoredVerdict, whatIf } from '../../services/core/domain/what-if.ts'
import { model, policy, share, views } from '../support/arbitrary.ts'

const verdict = (uploadId: string, action: Action, score: number | undefined, others: Action = 'approve'): StoredVerdict => ({
  uploadId,
  action,
  score,
  others,
})
const ids = (verdicts: StoredVerdict[]) => verdicts.map(({ uploadId }) => uploadId)

describe('other thresholds', () => {
  test('count a score that is at them, as rules do', () => {
    const verdicts = [verdict('below', 'approve', 0.4999), verdict('at', 'approve', 0.5), verdict('above', 'flag', 0.9)]
    const { before, after, newly, noLonger } = whatIf(verdicts, { flag: 0.5, reject: 0.9 })
    expect(before).toEqual({ approve: 2, flag: 1, reject: 0 })
    expect(after).toEqual({ approve: 1, flag: 1, reject: 1 })
    expect(ids(newly)).toEqual(['at'])
    expect(noLonger).toEqual([])
  })

  test('do not save what another rule of the policy found, nor what errored', () => {
    const verdicts = [
      verdict('found by another', 'flag', 0.6, 'flag'),
      verdict('rejected by another', 'reject', 0.6, 'reject'),
      verdict('errored', 'flag', undefined),
      verdict('found by this alone', 'flag', 0.6),
    ]
    const { after, newly, noLonger } = whatIf(verdicts, { flag: 0.8 })
    expect(after).toEqual({ approve: 1, flag: 2, reject: 1 })
    expect(newly).toEqual([])
    expect(ids(noLonger)).toEqual(['found by this alone'])
  })

  test('can leave out the machine’s rejections, or know nothing else', () => {
    const verdicts = [verdict('a', 'reject', 0.99), verdict('b', 'flag', 0.7)]
    expect(whatIf(verdicts, { flag: 0.6 }).after).toEqual({ approve: 0, flag: 2, reject: 0 })
    expect(whatIf(verdicts, { reject: 0.9 }).after).toEqual({ approve: 1, flag: 0, reject: 1 })
  })

  test('come to exactly what the policy would have come to with them, whatever its rules and scores', () => {
    const thresholds = fc.uniqueArray(share, { minLength: 1, maxLength: 2 }).map((values) => values.sort((a, b) => a - b))
    fc.assert(
      fc.property(
        policy,
        fc.array(views, { minLength: 1, maxLength: 5 }),
        thresholds,
        fc.nat(),
        (given, images, [flag, reject], nth) => {
          const old = { ...given, mode: 'enforce' as const }
          const changed = old.rules[nth % old.rules.length]
          if (!changed) return
          const changedPolicy = {
            ...old,
            rules: old.rules.map((each) => (each === changed ? { ...each, thresholds: { flag, reject } } : each)),
          }
          const stored = images.map((image, index) => {
            const [judged] = applyPolicies([old], image, model)
            const rules = judged?.rules ?? []
            const others = rules.filter(({ id }) => id !== changed.id).map(({ action }) => action)
            const worst = (['reject', 'flag'] as const).find((action) => others.includes(action)) ?? 'approve'
            const score = rules.find(({ id }) => id === changed.id)?.score
            return verdict(String(index), judged?.action ?? 'approve', score, worst)
          })
          const expected = images.map((image) => applyPolicies([changedPolicy], image, model)[0]?.action)
          const { after, newly, noLonger } = whatIf(stored, { flag, reject })
          for (const action of ['approve', 'flag', 'reject'] as const)
            expect(after[action]).toBe(expected.filter((each) => each === action).length)
          const turned = (from: boolean) =>
            stored.filter((each, index) => (each.action === 'approve') === from && (expected[index] === 'approve') !== from)
          expect(newly).toEqual(turned(true))
          expect(noLonger).toEqual(turned(false))
        },
      ),
    )
  })
})
