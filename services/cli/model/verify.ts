import { hasCode } from '../../core/domain/errors.ts'
import { readModelRegistry } from '../../core/infra/hub/model-registry-file.ts'
import { findModel } from '../../worker/clip/find-model.ts'
import { type Model, openModel } from '../../worker/clip/open-model.ts'
import { restrictSharp } from '../../worker/image/open-picture.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { type Env, readSettings } from '../settings.ts'
import { textTable } from '../text-table.ts'
import { writeOutput } from '../write-output.ts'
import type { Check } from './check.ts'
import { checkBehaviour, type Expected } from './check-behaviour.ts'
import { checkFiles } from './check-files.ts'
import { checkGoldens } from './check-goldens.ts'
import { openEncoders } from './encode.ts'

/** Checks a model, and prints what was found. Exit code 1 for one that is to be refused. Throws AppError `invalid-config`, and `invalid-model` when there is none. */
export async function verify(name: string, { json }: { json?: boolean }, env: Env): Promise<ExitCode> {
  const dir = await findModel(name, readSettings(env, {}).modelsDir)
  restrictSharp({ avif: false })
  const checks: Check[] = []
  try {
    await run(dir, checks)
  } catch (error) {
    if (!hasCode(error, 'invalid-model', 'model-failed')) throw error
    checks.push({ check: 'runs', ok: false, detail: error.message })
  }
  const ok = checks.every((check) => check.ok)
  const rows = checks.map(({ ok, check, detail }) => [ok ? 'ok' : 'FAIL', check, detail])
  const verdict = ok ? 'fit for use' : 'to be refused'
  await writeOutput(
    json
      ? `${JSON.stringify({ model: dir, ok, checks }, undefined, 2)}\n`
      : `${textTable(['', 'CHECK', 'FOUND'], rows)}\n${dir}: ${verdict}\n`,
  )
  return ok ? EXIT.ok : EXIT.found
}

/** Adds to `checks` as it goes, so that what was found before a failure is told too. */
async function run(dir: string, checks: Check[]): Promise<void> {
  const files = await checkFiles(dir)
  if (files) checks.push(files)
  if (files?.ok === false) return
  const model = await openModel(dir)
  for (const warning of model.warnings) checks.push({ check: 'settings', ok: false, detail: warning })
  const encoders = openEncoders(model)
  try {
    checks.push(...(await checkGoldens(model, encoders)))
    checks.push(...(await checkBehaviour(model, encoders, await expectedOf(model))))
  } finally {
    await encoders.close()
  }
}

/** The registry knows what SigLIP's files do not say. */
async function expectedOf(model: Model): Promise<Expected> {
  const { models } = await readModelRegistry()
  const known = models.find(({ id }) => id === model.id)
  return { embeddingSize: known?.embedding_size ?? model.embeddingSize, imageSize: known?.image_size }
}
