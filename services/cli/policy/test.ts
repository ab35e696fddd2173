import { AppError } from '../../core/domain/errors.ts'
import type { LoadedPolicy } from '../../core/domain/policy.ts'
import { scoreText } from '../../core/domain/telling-rule.ts'
import { formatProblem, loadPolicies } from '../../core/infra/policy-loader.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { openCommandModel } from '../open-command-model.ts'
import { openJudge } from '../open-judge.ts'
import { type Env, readSettings } from '../settings.ts'
import { textTable } from '../text-table.ts'
import { warn } from '../warn.ts'
import { writeOutput } from '../write-output.ts'
import { runTests, type TestResult } from './run-tests.ts'

export type TestOptions = { model?: string; policy?: string; json?: boolean }

/** Runs the tests that policies carry. Throws AppError `invalid-config`, `invalid-model` or `invalid-policy`, also when there is nothing to run. */
export async function testPolicies(dir: string | undefined, options: TestOptions, env: Env): Promise<ExitCode> {
  const config = readSettings(env, { ...options, policies: dir })
  const model = await openCommandModel(config)
  const { policies, problems } = await loadPolicies(config.policiesDir, { modelId: model.id })
  for (const problem of problems) warn(formatProblem(problem))
  const chosen = withTests(policies, options.policy)
  const judge = openJudge(config, model)
  try {
    const results = await runTests(chosen, judge)
    await writeOutput(options.json ? `${JSON.stringify({ results }, undefined, 2)}\n` : tableOf(results))
    return exitCodeOf(results)
  } finally {
    await judge.close()
  }
}

function withTests(policies: LoadedPolicy[], id: string | undefined): LoadedPolicy[] {
  const chosen = policies.filter((policy) => id === undefined || policy.id === id)
  if (chosen.length === 0)
    throw new AppError('invalid-policy', `there is no policy "${id}", only ${policies.map((policy) => policy.id).join(', ')}`)
  for (const { file, tests } of chosen) if (tests.length === 0) warn(`${file}: no tests`)
  const tested = chosen.filter(({ tests }) => tests.length > 0)
  if (tested.length === 0) throw new AppError('invalid-policy', 'there are no tests to run')
  return tested
}

function exitCodeOf(results: TestResult[]): ExitCode {
  if (results.some(({ error }) => error !== undefined)) return EXIT.failed
  return results.every(({ ok }) => ok) ? EXIT.ok : EXIT.found
}

function tableOf(results: TestResult[]): string {
  const rows = results.map((result) => [
    result.ok ? 'ok' : result.error === undefined ? 'FAIL' : 'ERROR',
    result.mode === 'enforce' ? result.policy : `${result.policy} (${result.mode})`,
    result.rule ?? '',
    result.image,
    result.expect,
    result.got ?? '',
    scoreText(result),
    result.prompt ?? '',
  ])
  const table = textTable(['', 'POLICY', 'RULE', 'IMAGE', 'EXPECT', 'GOT', 'SCORE', 'PROMPT'], rows)
  const passed = results.filter(({ ok }) => ok).length
  const unenforced = results.some(({ mode }) => mode !== 'enforce')
  return `${table}\n${passed} of ${results.length} as expected${unenforced ? '; policies in mode shadow or off were tested as if enforced' : ''}\n`
}
