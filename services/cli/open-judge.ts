import type { Config } from '../core/infra/config.ts'
import { silentLogger } from '../core/infra/logger.ts'
import type { Model } from '../worker/clip/open-model.ts'
import { createJudge, type Judge } from '../worker/judge.ts'

/** The worker's judge, for one command. `keepViews` keeps the pixels that the model saw with each judgement. */
export function openJudge(config: Config, model: Model, { keepViews = false } = {}): Judge {
  return createJudge({ ...config, model, keepViews, log: silentLogger() })
}
