import { type Explanation, explainPolicies, policyVersionsText } from '../../core/domain/explain.ts'
import { askedViews } from '../../core/domain/views.ts'
import type { BlobStore } from '../../core/infra/blob-store.ts'
import type { ClaimedTask, ImageTaskStore, TaskProblem, TaskResult } from '../../core/infra/image-task-store.ts'
import type { Model } from '../clip/open-model.ts'
import { explainImage } from '../explain-image.ts'
import type { SpareDecoder } from '../image/spare-decoder.ts'
import type { Judge } from '../judge.ts'

export type ImageWorkOptions = {
  store: Pick<ImageTaskStore, 'embeddings'>
  blobs: Pick<BlobStore, 'withFile'>
  decoder: SpareDecoder
  judge: Pick<Judge, 'policies' | 'embedInPassing'>
  model: Pick<Model, 'id' | 'revision' | 'preprocessing' | 'scoring'>
  now?: () => Date
}

export type Outcome = { result: TaskResult } | { problem: TaskProblem; detail: string }

/** Does what a task asks for. Throws what the decoder and the model throw, and when `signal` aborts. */
export async function doImageTask(task: ClaimedTask, options: ImageWorkOptions, signal: AbortSignal): Promise<Outcome> {
  const { blobs, decoder } = options
  const { kind, blobKey } = task
  if (kind === 'explanation') return explain(task, options, signal)
  // The row goes with the bytes: this task is in nobody's interest any more.
  if (blobKey === undefined) return { problem: 'unavailable', detail: 'the image is gone' }
  return { result: await blobs.withFile(blobKey, (file) => decoder.render(file, kind)) }
}

async function explain(task: ClaimedTask, options: ImageWorkOptions, signal: AbortSignal): Promise<Outcome> {
  const { model, judge, now = () => new Date() } = options
  const policies = judge.policies()
  const explained = await explainedBy(task, policies, options, signal)
  if (!explained) return { problem: 'unavailable', detail: 'the image is gone, and there are no embeddings of it by this model' }
  const { id, revision } = model
  const explanation: Explanation = {
    upload_id: task.uploadId,
    model: { id, revision },
    method: 'occlusion',
    computed_at: now().toISOString(),
    as_decided: isAsDecided(task, explained, revision),
    policies: explained,
  }
  const bytes = Buffer.from(JSON.stringify(explanation))
  const policyVersions = policyVersionsText(policies)
  return { result: { mime: 'application/json', bytes, policyVersions } }
}

/** By the image while it is there, else by its embeddings, without heat maps. */
async function explainedBy(
  { uploadId, blobKey }: ClaimedTask,
  policies: ReturnType<Judge['policies']>,
  { store, blobs, decoder, judge, model }: ImageWorkOptions,
  signal: AbortSignal,
): Promise<Explanation['policies'] | undefined> {
  const { scoring, preprocessing, revision } = model
  if (blobKey !== undefined) {
    const image = await blobs.withFile(blobKey, (file) => decoder.decode(file, askedViews(policies)))
    return explainImage(image, { policies, scoring, preprocessing, embed: judge.embedInPassing, signal })
  }
  const views = await store.embeddings(uploadId, revision)
  return views.length === 0 ? undefined : explainPolicies(policies, views, scoring)
}

function isAsDecided({ decidedBy }: ClaimedTask, explained: Explanation['policies'], revision: string): boolean {
  const { modelRevision, versions } = decidedBy
  return (
    modelRevision === revision &&
    Object.keys(versions).length === explained.length &&
    explained.every(({ id, version }) => versions[id] === version)
  )
}
