import { mkdir, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { AppError } from '../../core/domain/errors.ts'
import type { Config } from '../../core/infra/config.ts'
import { takeFileLock } from '../../core/infra/file-lock.ts'
import { STAGING } from '../../core/infra/hub/pull-model.ts'
import type { Model } from '../../worker/clip/open-model.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { openCommandModel } from '../open-command-model.ts'
import { type Env, readSettings } from '../settings.ts'
import { textTable } from '../text-table.ts'
import { warn } from '../warn.ts'
import { writeOutput } from '../write-output.ts'
import { makeQuantised, quantisedName } from './make-quantised.ts'
import { type Trial, tryQuantised } from './try-quantised.ts'

export type QuantiseOptions = { policies?: string; images?: string; json?: boolean }

/**
 * Makes a model's int8 in the folder of models, and keeps it if it decides as the original. Exit code 1 when it does not. Throws AppError `invalid-config`,
 * `invalid-model`, `invalid-policy` or `model-failed`.
 */
export async function quantiseModel(
  name: string,
  { images, json = false, ...options }: QuantiseOptions,
  env: Env,
): Promise<ExitCode> {
  const config = readSettings(env, { ...options, model: name })
  const model = await openCommandModel(config)
  const dir = path.join(config.modelsDir, quantisedName(model))
  const trial = await makeAndTry(model, { dir, images }, config)
  const ok = trial.checks.every((check) => check.ok)
  await writeOutput(json ? `${JSON.stringify({ model: dir, ok, ...trial }, undefined, 2)}\n` : asTable(dir, ok, trial))
  if (ok && trial.timesAsFast < WORTH_IT) warn('it is hardly faster than the original here: better use that')
  return ok ? EXIT.ok : EXIT.found
}

/** Below that it gives exactness away for nothing. */
const WORTH_IT = 1.2

/** The folder appears as a whole, or not at all. */
async function makeAndTry(
  model: Model,
  { dir, images }: { dir: string; images: string | undefined },
  config: Config,
): Promise<Trial> {
  const staged = path.join(config.modelsDir, STAGING, path.basename(dir))
  await mkdir(path.dirname(staged), { recursive: true })
  const lock = await takeFileLock(`${staged}.lock`)
  try {
    if (await stat(dir).catch(() => undefined))
      throw new AppError('invalid-model', `${dir} is there already: remove it to make it anew`)
    await rm(staged, { recursive: true, force: true })
    await makeQuantised(model, staged)
    const trial = await tryQuantised(model, staged, { ...config, images })
    if (trial.checks.every(({ ok }) => ok)) await rename(staged, dir)
    return trial
  } finally {
    await rm(staged, { recursive: true, force: true })
    await lock.release()
  }
}

function asTable(dir: string, ok: boolean, { checks, agreement: { cosine }, timesAsFast }: Trial): string {
  const rows = [
    ...checks.map(({ ok, check, detail }) => [ok ? 'ok' : 'FAIL', check, detail]),
    ['', 'embeddings', `cosine ${cosine.mean.toFixed(5)} on average, ${cosine.least.toFixed(5)} at least`],
    ['', 'speed', `${timesAsFast.toFixed(2)} × the original's`],
  ]
  const verdict = ok ? dir : 'refused: it does not decide as the original does, and was not kept'
  return `${textTable(['', 'CHECK', 'FOUND'], rows)}${verdict}\n`
}
