import type { LoadedPolicy } from '../../core/domain/policy.ts'
import { formatProblem, loadPolicies } from '../../core/infra/policy-loader.ts'
import type { Model } from '../../worker/clip/open-model.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { interruptSignal } from '../interrupt-signal.ts'
import { openCommandModel } from '../open-command-model.ts'
import { openJudge } from '../open-judge.ts'
import { type Env, readSettings, type SettingOptions } from '../settings.ts'
import { warn } from '../warn.ts'
import { findFiles } from './find-files.ts'
import { inOrder } from './in-order.ts'
import { jsonReporter } from './json-reporter.ts'
import { judgeFound, type Outcome } from './judge-found.ts'
import { noProgress, type Progress, startProgress } from './progress.ts'
import type { Reporter } from './reporter.ts'
import { tableReporter } from './table-reporter.ts'
import { countIn, emptyTally, exitCodeOf, type Tally } from './tally.ts'

export type ScanOptions = SettingOptions & { json?: boolean; jsonl?: boolean; html?: string; embeddings?: boolean }

/**
 * Judges files and folders with the worker's own decoder, model and rules, and shows each result as `options` say.
 * Throws AppError `invalid-config`, `invalid-model` or `invalid-policy`.
 */
export async function scan(paths: string[], options: ScanOptions, env: Env): Promise<ExitCode> {
  const config = readSettings(env, options)
  const interrupt = interruptSignal()
  const model = await openCommandModel(config)
  const { policies, problems } = await loadPolicies(config.policiesDir, { modelId: model.id })
  for (const problem of problems) warn(formatProblem(problem))
  const reporter = await reporterFor(options, model, policies)
  const judge = openJudge(config, model, { keepViews: options.html !== undefined })
  interrupt.addEventListener('abort', judge.close)
  try {
    await Promise.all([judge.ready(), judge.usePolicies(policies)])
    const outcomes = inOrder(findFiles(paths), 2 * config.maxBatch, (found) =>
      judgeFound(found, { judge, model, avif: config.avif }),
    )
    const progress = await progressFor(paths, reporter)
    const tally = await report(outcomes, reporter, progress, interrupt)
    await reporter.finish(tally, { interrupted: interrupt.aborted })
    return interrupt.aborted ? EXIT.interrupted : exitCodeOf(tally)
  } catch (error) {
    if (interrupt.aborted) return EXIT.interrupted
    throw error
  } finally {
    await judge.close()
    await reporter.close?.()
  }
}

async function report(
  outcomes: AsyncIterable<Outcome>,
  reporter: Reporter,
  progress: Progress,
  interrupt: AbortSignal,
): Promise<Tally> {
  const tally = emptyTally()
  for await (const outcome of outcomes) {
    if (interrupt.aborted) break
    if (outcome.kind === 'skipped') {
      tally.skipped++
      progress.shorten()
      continue
    }
    countIn(tally, outcome.result)
    progress.advance()
    await reporter.add(outcome)
  }
  progress.stop()
  return tally
}

async function reporterFor(
  { json, jsonl, html, embeddings = false }: ScanOptions,
  model: Model,
  policies: LoadedPolicy[],
): Promise<Reporter> {
  if (json || jsonl) return jsonReporter({ array: json === true, embeddings })
  if (html === undefined) return tableReporter()
  const { createHtmlReporter } = await import('../report/html-reporter.ts')
  return createHtmlReporter(html, model, policies)
}

/** The files are counted first for the time left, which is a walk without opening any of them. */
async function progressFor(paths: string[], { streams }: Reporter): Promise<Progress> {
  if (!process.stderr.isTTY || (streams && process.stdout.isTTY)) return noProgress
  let total = 0
  for await (const _ of findFiles(paths)) total++
  return startProgress(total)
}
