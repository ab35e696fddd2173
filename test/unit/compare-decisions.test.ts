import { expect, test } from 'vitest'
import { checkAgreement } from '../../services/cli/model/check-agreement.ts'
import { compareDecisions } from '../../services/cli/model/compare-decisions.ts'
import type { PolicyVerdict } from '../../services/core/domain/decide.ts'
import { AppError } from '../../services/core/domain/errors.ts'
import type { Judge, Judgement } from '../../services/worker/judge.ts'

/** Scores pictures by their names; undefined for a rule that errors. A policy flags from 0.5. */
function judgeOf(scores: Record<string, (number | undefined)[]>): Pick<Judge, 'judge'> {
  const verdictOf = (score: number | undefined, index: number): PolicyVerdict => {
    const action = score === undefined || score >= 0.5 ? 'flag' : 'approve'
    const rule = { id: 'rule', action, matched: action === 'flag', ...(score !== undefined && { score }) } as const
    return { id: `policy-${index}`, version: '1', mode: 'enforce', action, rules: [rule] }
  }
  return {
    async judge(file): Promise<Judgement> {
      const found = scores[file]
      if (!found) throw new AppError('undecodable', `${file} is broken`)
      const embeddings = [{ view: 'full', embedding: Float32Array.of(1, 0) }]
      const timingsMs = { decode: 0, inference: 0, decide: 0 }
      return { width: 1, height: 1, verdicts: found.map(verdictOf), embeddings, missing: [], timingsMs }
    },
  }
}

test('actions are counted by picture and by policy, and scores over all rules', async () => {
  const one = judgeOf({ a: [0.1, 0.6], b: [0.2, 0.7], c: [0.3, 0.8], d: [0.45, 0.9] })
  const other = judgeOf({ a: [0.1, 0.6], b: [0.2, 0.71], c: [0.3, 0.78], d: [0.55, 0.9] })
  const agreement = await compareDecisions(['a', 'b', 'c', 'd'], one, other, 3)
  expect(agreement).toMatchObject({
    pictures: 4,
    sameAction: 0.75,
    sameActionBy: { 'policy-0': 0.75, 'policy-1': 1 },
    differing: ['d'],
    cosine: { mean: 1, least: 1 },
  })
  expect(agreement.apart.most).toBeCloseTo(0.1)
  expect(agreement.apart.p50).toBeCloseTo(0)
  const [actions, scores] = checkAgreement(agreement)
  expect(actions).toMatchObject({ ok: false, detail: '75.0 % of 4 pictures, at least 99.0 %, policy-0 75.0 %; not d' })
  expect(scores).toMatchObject({ ok: false, detail: expect.stringContaining('most 0.1000') })
})

test('a picture that does not decode is left out, and no picture at all is an error', async () => {
  const judge = judgeOf({ a: [0.1] })
  const agreement = await compareDecisions(['a', 'broken'], judge, judge, 8)
  expect(agreement).toMatchObject({ pictures: 1, sameAction: 1 })
  expect(checkAgreement(agreement).every(({ ok }) => ok)).toBe(true)
  await expect(compareDecisions(['broken'], judge, judge, 8)).rejects.toMatchObject({ code: 'invalid-config' })
})

test('a rule that has a score by one model only is refused, and so are policies of which no rule has any', async () => {
  const [scored, errored] = [judgeOf({ a: [0.9] }), judgeOf({ a: [undefined] })]
  const half = await compareDecisions(['a'], scored, errored, 8)
  expect(half).toMatchObject({ sameAction: 1, apart: { p95: Number.POSITIVE_INFINITY } })
  const none = await compareDecisions(['a'], errored, errored, 8)
  expect(checkAgreement(none)[1]).toMatchObject({ ok: false, detail: expect.stringContaining('thresholds') })
})
