import type { IdListener } from '../core/infra/id-listener.ts'
import { type ImageTask, type ImageTaskKind, type ImageTaskStore, imageTaskKey } from '../core/infra/image-task-store.ts'
import { awaitAnnounced } from './await-announced.ts'

export type AwaitImageTaskOptions = {
  imageTasks: Pick<ImageTaskStore, 'find' | 'ask'>
  endedImageTasks: Pick<IdListener, 'waitFor'>
  tenant: string
  uploadId: string
  kind: ImageTaskKind
  /** Of the policies in force: an explanation by others is made anew. */
  policyVersions?: string
  waitMs: number
  signal: AbortSignal
}

/** Workers take up a change of the policies a moment before or after this process: what is that young is not made anew. */
const SETTLED_MS = 10_000

/** What workers make of an image, as soon as it is there; what is there is not made again. undefined when there is nothing to make it of. */
export async function awaitImageTask(options: AwaitImageTaskOptions): Promise<ImageTask | undefined> {
  const { imageTasks, tenant, uploadId, kind, policyVersions } = options
  const isCurrent = (task: ImageTask) =>
    task.state !== 'done' || policyVersions === undefined || task.policyVersions === policyVersions || task.ageMs < SETTLED_MS

  async function look(): Promise<ImageTask | undefined> {
    const found = await imageTasks.find(tenant, uploadId, kind)
    if (found && isCurrent(found)) return found
    const stale = policyVersions === undefined ? undefined : { policyVersions, ageMs: SETTLED_MS }
    return (await imageTasks.ask({ tenant, uploadId, kind, stale })) ? { state: 'waiting' } : undefined
  }

  return awaitAnnounced({
    ...options,
    announcements: options.endedImageTasks,
    id: imageTaskKey(uploadId, kind),
    look,
    isEnough: (task) => task?.state !== 'waiting',
  })
}
