import { mkdir, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { AppError } from '../../core/domain/errors.ts'
import { quantisedName } from '../../core/domain/model-files.ts'
import type { Config } from '../../core/infra/config.ts'
import { takeFileLock } from '../../core/infra/file-lock.ts'
import { explainWriteError } from '../../core/infra/hub/explain-write-error.ts'
import { STAGING } from '../../core/infra/hub/pull-model.ts'
import type { Model } from '../../worker/clip/open-model.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { openCommandModel } from '../open-command-model.ts'
import { type Env, readSettings } from '../settings.ts'
import { textTable } from '../text-table.ts'
import { warn } from '../warn.ts'
import { writeOutput } from '../write-output.ts'
import { makeQuantised } from './make-quantised.ts'
import { type Trial, tryQuantised } from './try-quantised.ts'

export type QuantiseOptions = { policies?: string; images?: string; json?: boolean }

/**
 * Makes a model's int8 in the folder of models, and keeps it if it decides as the original. Exit code 1 when it does not. Throws AppError `invalid-config`,
 * `invalid-model`, `invalid-policy`, `model-failed` or `storage-full`.
 */
export async function quantiseModel(
  name: string,
  { images, json = false, ...options }: QuantiseOptions,
  env: Env,
): Promise<ExitCode> {
  const config = readSettings(env, { ...options, model: name })
  const model = await openCommandModel(config)
  const dir = path.join(config.modelsDir, quantisedName(path.basename(model.dir)))
  const trial = await makeAndTry(model, { dir, images }, config)
  const ok = trial.checks.every((check) => check.ok)
  await writeOutput(json ? `${JSON.stringify({ model: dir, ok, ...trial }, undefined, 2)}\n` : asTable(dir, ok, trial))
  if (ok && trial.timesAsFast < WORTH_IT) warn('it is hardly faster than the original here: better use that')
  return ok ? EXIT.ok : EXIT.found
}

/** Below that it gives exactness away for nothing. */
const WORTH_IT = 1.2

type Making = { dir: string; images: string | undefined }

async function makeAndTry(model: Model, making: Making, config: Config): Promise<Trial> {
  try {
    return await inStaging(making.dir, (staged) => keepIfAlike(model, staged, making, config))
  } catch (error) {
    throw explainWriteError(error, config.modelsDir)
  }
}

/** Beside the model's place, and gone afterwards: folders for temporary files may be too small for graphs. */
async function inStaging<T>(dir: string, work: (staged: string) => Promise<T>): Promise<T> {
  const name = path.basename(dir)
  const staging = path.join(path.dirname(dir), STAGING)
  const own = path.join(staging, name)
  await mkdir(staging, { recursive: true })
  const lock = await takeFileLock(`${own}.lock`, { onWait: () => warn(`another process makes ${name}: waiting for it`) })
  try {
    if (await stat(dir).catch(() => undefined))
      throw new AppError('invalid-model', `${dir} is there already: remove it to make it anew`)
    await rm(own, { recursive: true, force: true })
    return await work(path.join(own, 'model'))
  } finally {
    await rm(own, { recursive: true, force: true })
    await lock.release()
  }
}

/** The folder appears as a whole, or not at all. */
async function keepIfAlike(model: Model, staged: string, { dir, images }: Making, config: Config): Promise<Trial> {
  await makeQuantised(model, staged)
  const trial = await tryQuantised(model, staged, { ...config, images })
  if (trial.checks.every(({ ok }) => ok)) await rename(staged, dir)
  return trial
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
