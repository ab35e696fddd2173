import path from 'node:path'
import type { PolicyVerdict } from '../../core/domain/decide.ts'
import { AppError } from '../../core/domain/errors.ts'
import type { Action, LoadedPolicy, Mode, PolicyTest } from '../../core/domain/policy.ts'
import { tellingRule } from '../../core/domain/telling-rule.ts'
import type { Judge } from '../../worker/judge.ts'

export type TestResult = {
  policy: string
  mode: Mode
  /** As the policy names it. */
  image: string
  /** The rule that was tested, or the one that tells most about the policy's action. */
  rule?: string
  expect: Action
  got?: Action
  score?: number
  threshold?: number
  prompt?: string
  ok: boolean
  /** Why there is no answer. */
  error?: string
}

type Judged = { verdicts: PolicyVerdict[] } | { error: string }

/** Judges the image of every test, each file once, by all of `policies` as if they were enforced, and compares. Results are in the order of the tests. */
export async function runTests(policies: LoadedPolicy[], judge: Judge): Promise<TestResult[]> {
  await judge.usePolicies(policies.map((policy) => ({ ...policy, mode: 'enforce' })))
  const judging = new Map<string, Promise<Judged>>()
  const judged = (file: string) => {
    const known = judging.get(file) ?? judgeFile(file, judge)
    judging.set(file, known)
    return known
  }
  const tests = policies.flatMap((policy) => policy.tests.map((test) => ({ policy, test })))
  return Promise.all(
    tests.map(async ({ policy, test }) =>
      compare(policy, test, await judged(path.resolve(path.dirname(policy.file), test.image))),
    ),
  )
}

async function judgeFile(file: string, judge: Judge): Promise<Judged> {
  try {
    const { verdicts } = await judge.judge(file)
    return { verdicts }
  } catch (error) {
    if (error instanceof AppError) return { error: error.message }
    throw error
  }
}

function compare(policy: LoadedPolicy, { image, expect, rule: wanted }: PolicyTest, judged: Judged): TestResult {
  const test = { policy: policy.id, mode: policy.mode, image, ...(wanted !== undefined && { rule: wanted }), expect }
  if ('error' in judged) return { ...test, ok: false, error: judged.error }
  const verdict = judged.verdicts.find(({ id }) => id === policy.id)
  const rules = verdict?.rules.filter(({ id }) => wanted === undefined || id === wanted) ?? []
  const telling = tellingRule(rules)
  if (!telling) return { ...test, ok: false, error: 'the policy gave no verdict' }
  const { id, action, score, threshold, prompt, error } = telling
  if (error !== undefined) return { ...test, rule: id, got: action, ok: false, error }
  return { ...test, rule: id, got: action, score, threshold, prompt, ok: action === expect }
}
