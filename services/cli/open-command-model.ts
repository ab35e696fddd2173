import type { Config } from '../core/infra/config.ts'
import { type Model, openModel } from '../worker/clip/open-model.ts'
import { warn } from './warn.ts'

/** Opens the model that a command uses, and says on stderr what is doubtful about it. Throws AppError `invalid-model`. */
export async function openCommandModel(config: Config): Promise<Model> {
  const model = await openModel(config.model, config)
  for (const warning of model.warnings) warn(`model ${model.id}: ${warning}`)
  return model
}
