import { removeModel } from '../../core/infra/hub/pull-model.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { type Env, readSettings } from '../settings.ts'
import { warn } from '../warn.ts'

/** Deletes a pulled model. Exit code 1 when there is none. Throws AppError `invalid-model` for what was not pulled, `invalid-config`. */
export async function remove(folder: string, env: Env): Promise<ExitCode> {
  const { modelsDir } = readSettings(env, {})
  const removed = await removeModel(modelsDir, folder)
  warn(removed ? `${folder} is deleted` : `there is no pulled model ${folder} in ${modelsDir}`)
  return removed ? EXIT.ok : EXIT.found
}
