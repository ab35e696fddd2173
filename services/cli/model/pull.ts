import { AppError } from '../../core/domain/errors.ts'
import type { Dtype } from '../../core/domain/model-files.ts'
import { createHubClient } from '../../core/infra/hub/hub-client.ts'
import { readHubSettings } from '../../core/infra/hub/hub-settings.ts'
import { readModelRegistry } from '../../core/infra/hub/model-registry-file.ts'
import { findTarget, folderOf, type PullTarget } from '../../core/infra/hub/plan-pull.ts'
import { findPulled, type PulledModel, pullModel } from '../../core/infra/hub/pull-model.ts'
import { RETRY_PAUSES } from '../../core/infra/hub/with-retries.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { interruptSignal } from '../interrupt-signal.ts'
import { type Env, readSettings } from '../settings.ts'
import { warn } from '../warn.ts'
import { writeOutput } from '../write-output.ts'
import { type ByteProgress, noByteProgress, startByteProgress } from './byte-progress.ts'

export type PullCommandOptions = { revision?: string; dtype: Dtype }

/** Fetches a model into the folder of models, and prints that model's folder. Throws what `pullModel` throws, and AppError `invalid-config`. */
export async function pull(name: string, options: PullCommandOptions, env: Env): Promise<ExitCode> {
  const { modelsDir } = readSettings(env, {})
  const registry = await readModelRegistry()
  if (registry.models.some(({ kind, id }) => kind === 'shipped' && id === name)) {
    warn(`${name} is part of the package: there is nothing to pull`)
    return EXIT.ok
  }
  const target = findTarget(registry, name, options)
  const interrupt = interruptSignal()
  try {
    const { dir, manifest, fetched } = await fetchOrFind(target, modelsDir, env, interrupt)
    if (!fetched) warn(`${folderOf(target)} is here already, at commit ${manifest.commit}`)
    await writeOutput(`${dir}\n`)
    if (fetched) warn(`check it before use: npx pixwarden model verify ${folderOf(target)}`)
    return EXIT.ok
  } catch (error) {
    if (!interrupt.aborted) throw error
    warn('interrupted: what has come is kept, and the same command goes on with it')
    return EXIT.interrupted
  }
}

async function fetchOrFind(target: PullTarget, modelsDir: string, env: Env, signal: AbortSignal): Promise<PulledModel> {
  const settings = readHubSettings(env)
  if (settings.offline) {
    const there = await findPulled(modelsDir, target)
    if (there) return { ...there, fetched: false }
    throw new AppError('fetch-failed', `${folderOf(target)} is not here, and HF_HUB_OFFLINE is set: nothing is fetched`)
  }
  const client = createHubClient(settings)
  let progress: ByteProgress = noByteProgress
  try {
    return await pullModel(target, {
      modelsDir,
      client,
      pauses: RETRY_PAUSES,
      signal,
      onWait: () => warn(`another pull of ${folderOf(target)} is under way: waiting for it`),
      onPlan: ({ repo, commit, registered }, bytes) => {
        const size = bytes === undefined ? '' : `, ${(bytes / 1e6).toFixed(0)} MB`
        warn(`${repo} at ${commit}${size}, licence: ${registered?.licence ?? 'see its page on the hub'}`)
        if (bytes !== undefined && process.stderr.isTTY) progress = startByteProgress(bytes)
      },
      onBytes: (bytes) => progress.there(bytes),
    })
  } finally {
    progress.stop()
    await client.close()
  }
}
