import { AppError } from '../../domain/errors.ts'
import { type Dtype, dtypesOf, filesOf, layoutOf, type ModelFiles, pathsOf } from '../../domain/model-files.ts'
import type { HubModel, ModelRegistry, ModelSettings } from '../../domain/model-registry.ts'
import type { WantedFile } from './download-file.ts'
import type { HubClient, KnownFile, RepoListing } from './hub-client.ts'
import { type RetryOptions, withRetries } from './with-retries.ts'

/** What to pull: a model of the registry, or any repository of the hub. `revision` is a commit, branch or tag. */
export type PullTarget = {
  /** By which policies call it. */
  id: string
  repo: string
  revision: string
  dtype: Dtype
  registered: HubModel | undefined
}

export type PullPlan = PullTarget & { commit: string; settings: ModelSettings; files: WantedFile[] }

const REPO = /^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/

/** Finds what `name`, an id of the registry or `owner/name` on the hub, stands for. Throws AppError `invalid-model` for neither. */
export function findTarget(
  registry: ModelRegistry,
  name: string,
  { revision, dtype }: { revision?: string | undefined; dtype: Dtype },
): PullTarget {
  const hub = registry.models.filter((model) => model.kind === 'hub')
  const registered = hub.find(({ id, repo }) => id === name || repo === name)
  if (registered) {
    const pinned = registered.commit === 'unknown' ? 'main' : registered.commit
    return { id: registered.id, repo: registered.repo, revision: revision ?? pinned, dtype, registered }
  }
  if (REPO.test(name))
    return { id: name.replace('/', '--'), repo: name, revision: revision ?? 'main', dtype, registered: undefined }
  throw new AppError(
    'invalid-model',
    `"${name}" is neither a repository, as owner/name, nor one of ${hub.map(({ id }) => id).join(', ')}`,
  )
}

/** The folder of a target, in the folder of models. */
export function folderOf({ id, dtype }: Pick<PullTarget, 'id' | 'dtype'>): string {
  return dtype === 'fp32' ? id : `${id}-${dtype}`
}

/**
 * Says which files of which commit there are to fetch, and what is known of each. The hub is asked unless the registry knows it all.
 * Throws AppError `fetch-failed` or, for a repository that has no such model, `invalid-model`.
 */
export async function planPull(target: PullTarget, client: HubClient, retries: RetryOptions): Promise<PullPlan> {
  const { registered, repo, revision, dtype } = target
  const settings = registered?.settings ?? {}
  const pinned = registered !== undefined && registered.commit === revision ? registered : undefined
  if (pinned) {
    const paths = pathsOf(filesOf(pinned.layout, dtype, Object.keys(pinned.files)))
    if (paths.every((path) => pinned.files[path]?.sha256 !== undefined && pinned.files[path]?.size !== undefined))
      return { ...target, commit: revision, settings, files: wanted(repo, revision, paths, (path) => pinned.files[path] ?? {}) }
  }
  const listing = await withRetries(() => client.list(repo, revision, retries.signal), retries)
  const paths = pathsOf(filesIn(listing, target))
  const known = (path: string): KnownFile => ({ ...listing.files.get(path), ...defined(pinned?.files[path]) })
  return { ...target, commit: listing.commit, settings, files: wanted(repo, listing.commit, paths, known) }
}

function filesIn({ files }: RepoListing, { repo, revision, dtype }: PullTarget): ModelFiles {
  const paths = [...files.keys()].filter(isPlain)
  const layout = layoutOf(paths)
  if (!layout)
    throw new AppError(
      'invalid-model',
      `${repo} at ${revision} has no ONNX graphs of the two sides of a model: onnx/vision_model.onnx and onnx/text_model.onnx, or visual/model.onnx and textual/model.onnx`,
    )
  const found = filesOf(layout, dtype, paths)
  const missing = pathsOf(found).filter((path) => !paths.includes(path))
  if (missing.length === 0) return found
  const both = dtypesOf(layout, 'vision', paths).filter((other) => dtypesOf(layout, 'text', paths).includes(other))
  throw new AppError(
    'invalid-model',
    `${repo} at ${revision} has no ${missing.join(', no ')}${both.includes(dtype) ? '' : `: its dtypes are ${both.join(', ')}`}`,
  )
}

/** A name from the hub becomes a path on this disk. */
function isPlain(path: string): boolean {
  return path.split('/').every((step) => /^[\w.-]+$/.test(step) && step !== '.' && step !== '..')
}

function wanted(repo: string, commit: string, paths: string[], known: (path: string) => KnownFile): WantedFile[] {
  return paths.map((path) => ({ repo, commit, path, ...known(path) }))
}

function defined(file: KnownFile = {}): KnownFile {
  return Object.fromEntries(Object.entries(file).filter(([, value]) => value !== undefined))
}
