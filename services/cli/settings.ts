import { type Config, readConfig } from '../core/infra/config.ts'

export type Env = Record<string, string | undefined>

/** What the command line can say instead of the environment. */
export type SettingOptions = {
  policies?: string | undefined
  model?: string | undefined
  preprocess?: 'fast' | 'exact'
  decoders?: number
  batch?: number
  threads?: number
}

/** The environment's configuration under the options of a command. Throws AppError `invalid-config`. */
export function readSettings(env: Env, options: SettingOptions): Config {
  const config = readConfig(env)
  return {
    ...config,
    policiesDir: options.policies ?? config.policiesDir,
    model: options.model ?? config.model,
    preprocess: options.preprocess ?? config.preprocess,
    decoders: options.decoders ?? config.decoders,
    maxBatch: options.batch ?? config.maxBatch,
    inferenceThreads: options.threads ?? config.inferenceThreads,
  }
}
