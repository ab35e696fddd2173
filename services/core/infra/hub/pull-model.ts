import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { AppError } from '../../domain/errors.ts'
import { takeFileLock } from '../file-lock.ts'
import { type DownloadedFile, downloadFile } from './download-file.ts'
import { explainWriteError } from './explain-write-error.ts'
import type { HubClient } from './hub-client.ts'
import { MANIFEST, type ModelManifest, readManifest, writeManifest } from './model-manifest.ts'
import { folderOf, type PullPlan, type PullTarget, planPull } from './plan-pull.ts'
import type { RetryPauses } from './with-retries.ts'

export type PullOptions = {
  modelsDir: string
  client: HubClient
  pauses: RetryPauses
  /** Told when the files are known; `bytes` is undefined where the size of one is not. */
  onPlan?: ((plan: PullPlan, bytes: number | undefined) => void) | undefined
  /** Told how many bytes are there. */
  onBytes?: ((bytes: number) => void) | undefined
  /** Told when another pull of the same model is waited for. */
  onWait?: (() => void) | undefined
  signal?: AbortSignal | undefined
}

/** `fetched` is false when the model was there before. */
export type PulledModel = { dir: string; manifest: ModelManifest; fetched: boolean }

/** What is not yet a model, and what is one no more. */
export const STAGING = '.pulling'

/**
 * Fetches a model into the folder of models, where it appears as a whole or not at all; what came before a failure is gone on with the next time.
 * Throws AppError `fetch-failed`, `invalid-model`, `storage-full` or, for a folder that cannot be written, `invalid-config`.
 */
export async function pullModel(target: PullTarget, options: PullOptions): Promise<PulledModel> {
  try {
    return await pull(target, options)
  } catch (error) {
    throw explainWriteError(error, options.modelsDir)
  }
}

/** A model that was pulled before, as far as its manifest and the sizes of its files tell. */
export async function findPulled(
  modelsDir: string,
  { id, dtype, commit }: Pick<PullTarget, 'id' | 'dtype'> & { commit?: string },
) {
  const dir = path.join(modelsDir, folderOf({ id, dtype }))
  const manifest = await readManifest(dir).catch(() => undefined)
  if (!manifest || manifest.dtype !== dtype || (commit !== undefined && manifest.commit !== commit)) return undefined
  const sizes = await Promise.all(manifest.files.map((file) => stat(path.join(dir, file.path)).catch(() => undefined)))
  return sizes.every((found, index) => found?.size === manifest.files[index]?.size) ? { dir, manifest } : undefined
}

async function pull(target: PullTarget, options: PullOptions): Promise<PulledModel> {
  const { modelsDir, client, onPlan, onWait, signal } = options
  const plan = await planPull(target, client, options)
  const staging = path.join(modelsDir, STAGING)
  await mkdir(staging, { recursive: true })
  const lock = await takeFileLock(path.join(staging, `${folderOf(target)}.lock`), { onWait, signal })
  try {
    const there = await findPulled(modelsDir, plan)
    if (there) return { ...there, fetched: false }
    const bytes = plan.files.reduce<number | undefined>(
      (sum, { size }) => (sum === undefined || size === undefined ? undefined : sum + size),
      0,
    )
    onPlan?.(plan, bytes)
    const manifest = await stage(plan, path.join(staging, folderOf(target)), options)
    const dir = await settle(path.join(staging, folderOf(target)), path.join(modelsDir, folderOf(target)))
    return { dir, manifest, fetched: true }
  } finally {
    await lock.release()
  }
}

/** Brings every file and the manifest together in a folder of their own. What lies there of another commit goes. */
async function stage(plan: PullPlan, dir: string, { client, onBytes, pauses, signal }: PullOptions): Promise<ModelManifest> {
  const wanted = JSON.stringify(plan.files)
  const note = `${dir}.plan`
  if ((await readFile(note, 'utf8').catch(() => undefined)) !== wanted) await rm(dir, { recursive: true, force: true })
  await mkdir(dir, { recursive: true })
  await writeFile(note, wanted)
  await checkRoom(plan, dir)
  const files: DownloadedFile[] = []
  let before = 0
  for (const file of plan.files) {
    const done = await downloadFile(dir, file, { client, pauses, signal, onBytes: (there) => onBytes?.(before + there) })
    before += done.size
    files.push(done)
  }
  const { id, repo, commit, dtype, settings, registered } = plan
  const manifest: ModelManifest = { format: 1, id, repo, commit, dtype, licence: registered?.licence, settings, files }
  await writeManifest(dir, manifest)
  await rm(note, { force: true })
  return manifest
}

/** A rename shows the whole folder at once. One of another commit that is in the way is moved aside first. */
async function settle(staged: string, dir: string): Promise<string> {
  const old = `${staged}.${randomUUID()}.old`
  await rename(dir, old).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
  await rename(staged, dir)
  await rm(old, { recursive: true, force: true })
  return dir
}

async function checkRoom({ files }: PullPlan, dir: string): Promise<void> {
  const [{ bavail, bsize }, here] = await Promise.all([statfs(dir), Promise.all(files.map((file) => bytesHere(dir, file.path)))])
  const needed = files.reduce((sum, { size = 0 }, index) => sum + Math.max(0, size - (here[index] ?? 0)), 0)
  if (needed > bavail * bsize)
    throw new AppError(
      'storage-full',
      `${dir} has room for ${megabytes(bavail * bsize)}, but ${megabytes(needed)} are still to come`,
    )
}

async function bytesHere(dir: string, name: string): Promise<number> {
  const sizes = await Promise.all([name, `${name}.part`].map((each) => stat(path.join(dir, each)).catch(() => ({ size: 0 }))))
  return Math.max(...sizes.map(({ size }) => size))
}

/** Deletes a model that was pulled; true when there was one. Throws AppError `invalid-model` for a folder that somebody made by hand. */
export async function removeModel(modelsDir: string, folder: string): Promise<boolean> {
  const dir = path.join(modelsDir, folder)
  if (path.dirname(dir) !== path.resolve(modelsDir)) throw new AppError('invalid-model', `"${folder}" is no name of a model`)
  const staging = path.join(modelsDir, STAGING)
  const found = await stat(dir).catch(() => undefined)
  if (found && (await stat(path.join(dir, MANIFEST)).catch(() => undefined)) === undefined)
    throw new AppError('invalid-model', `${dir} was not pulled: it has no ${MANIFEST}, so it is left to you`)
  const left = path.join(staging, folder)
  const begun = await stat(left).catch(() => undefined)
  if (!found && !begun) return false
  const lock = await takeFileLock(`${left}.lock`)
  try {
    const old = `${left}.${randomUUID()}.old`
    if (found) await rename(dir, old)
    for (const each of [old, left, `${left}.plan`]) await rm(each, { recursive: true, force: true })
    return true
  } catch (error) {
    throw explainWriteError(error, modelsDir)
  } finally {
    await lock.release()
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`
}
