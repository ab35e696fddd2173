import { compilePolicy } from '../../core/domain/compile-policy.ts'
import { AppError } from '../../core/domain/errors.ts'
import { type LoadedPolicy, type Problem, promptsOf, templatesOf } from '../../core/domain/policy.ts'
import { formatProblem, type PolicySet, readPolicyDir } from '../../core/infra/policy-loader.ts'
import type { Model } from '../../worker/clip/open-model.ts'
import { createTextCache } from '../../worker/clip/text-cache.ts'
import { createTextEncoder } from '../../worker/clip/text-encoder.ts'
import { counted } from '../counted.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { openCommandModel } from '../open-command-model.ts'
import { type Env, readSettings } from '../settings.ts'
import { writeOutput } from '../write-output.ts'
import { closeContrasts } from './close-contrasts.ts'
import { floorTexts, textFloor } from './text-floor.ts'
import { unusableScores } from './unusable-scores.ts'

export type LintOptions = { model?: string; strict?: boolean; json?: boolean }

/** Reports what is wrong or doubtful with the policies of a folder. Throws AppError `invalid-config`, `invalid-model` or, for no folder or no files, `invalid-policy`. */
export async function lint(dir: string | undefined, options: LintOptions, env: Env): Promise<ExitCode> {
  const config = readSettings(env, { ...options, policies: dir })
  const model = await openCommandModel(config)
  const set = await readPolicyDir(config.policiesDir, { modelId: model.id })
  if (set.policies.length + set.problems.length === 0)
    throw new AppError('invalid-policy', `${config.policiesDir} holds no policies (*.yaml)`)
  const problems = [...set.problems, ...(await problemsOfMeaning(set, model, config.inferenceThreads))].sort(byPlace)
  await writeOutput(options.json ? `${JSON.stringify({ problems }, undefined, 2)}\n` : listOf(problems, set))
  const failing = problems.filter(({ severity }) => severity === 'error' || options.strict)
  return failing.length > 0 ? EXIT.found : EXIT.ok
}

/** What only the model can tell: every phrase is embedded by it. */
async function problemsOfMeaning({ policies, locate }: PolicySet, model: Model, threads: number): Promise<Problem[]> {
  const encoder = createTextEncoder(model, { threads })
  try {
    const texts = await createTextCache(encoder, model).embedAll(policies.flatMap(textsOf))
    return policies.flatMap((policy) => {
      const floors = policy.rules.map((rule) => textFloor(templatesOf(policy, rule), texts))
      const compiled = compilePolicy(policy, model.scoring, texts)
      const findings = [...unusableScores(compiled, model.scoring), ...closeContrasts(compiled, floors)]
      return findings.map(({ at, ...finding }) => ({ ...finding, file: policy.file, ...locate(policy, at) }))
    })
  } finally {
    await encoder.close()
  }
}

function textsOf(policy: LoadedPolicy): string[] {
  return [...promptsOf(policy), ...policy.rules.flatMap((rule) => floorTexts(templatesOf(policy, rule)))]
}

function byPlace(a: Problem, b: Problem): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1
  return a.line - b.line || a.column - b.column
}

function listOf(problems: Problem[], { policies }: PolicySet): string {
  const count = (wanted: Problem['severity']) => problems.filter(({ severity }) => severity === wanted).length
  const summary = `${policies.length} good ${policies.length === 1 ? 'policy' : 'policies'}, ${counted(count('error'), 'error')}, ${counted(count('warning'), 'warning')}`
  return [...problems.map(formatProblem), summary, ''].join('\n')
}
