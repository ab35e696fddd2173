/** What workers make of an image on request: two renditions, and why the policies judge it as they do. */
export const RENDITIONS = ['blurred', 'display'] as const
export type Rendition = (typeof RENDITIONS)[number]
export type ImageTaskKind = Rendition | 'explanation'

/** The channel on which new tasks are announced. */
export const IMAGE_TASKS_CHANNEL = 'pixwarden_image_tasks'
/** The channel on which the `imageTaskKey` of a task is announced that has ended. */
export const IMAGE_TASKS_ENDED_CHANNEL = 'pixwarden_image_tasks_ended'

/** What an upload's image is, as far as it is there. */
export type StoredImage = { blobKey: string | undefined; mime: string; byteSize: number; decided: boolean }

/** `undecodable`: what is wrong with the image. `unavailable`: an explanation has nothing to go by. */
export type TaskProblem = 'undecodable' | 'unavailable' | 'model-failed'

export type ImageTask =
  | { state: 'waiting' }
  | { state: 'done'; mime: string; result: Buffer; ageMs: number; policyVersions: string | undefined }
  | { state: 'failed'; problem: TaskProblem; detail: string }

/** A task in a worker's hands, until its lease ends. `attempts` counts this one. */
export type ClaimedTask = {
  uploadId: string
  kind: ImageTaskKind
  lease: string
  attempts: number
  /** undefined: the bytes are gone, and an explanation has the embeddings only. */
  blobKey: string | undefined
  /** By what the upload was decided: the model's revision, and policy id → version. */
  decidedBy: { modelRevision: string | undefined; versions: Record<string, string> }
}

export type TaskResult = { mime: string; bytes: Uint8Array; policyVersions?: string }

/**
 * Tasks as those who ask and those who do them see them, any number of which may work at once. No result outlives the bytes of its image: both go in one
 * transaction, and no task begins afterwards, save explanations by the embeddings. Every method throws AppError `store-unavailable` when PostgreSQL is out of reach.
 */
export interface ImageTaskStore {
  /** Throws AppError `erased` for an upload that was. undefined for one that the tenant has not. */
  image(tenant: string, uploadId: string): Promise<StoredImage | undefined>
  /** undefined when nobody has asked, or there is nothing any more to make it of. */
  find(tenant: string, uploadId: string, kind: ImageTaskKind): Promise<ImageTask | undefined>
  /**
   * Asks for a result, with an announcement to the workers; nothing happens where one is there or on its way, unless it is older than `stale.ageMs` and
   * was made by other policies than `stale.policyVersions`. Resolves to false, with nothing written, when there is nothing to make it of: the image is gone or, for an explanation, its embeddings too.
   */
  ask(request: {
    tenant: string
    uploadId: string
    kind: ImageTaskKind
    stale?: { policyVersions: string; ageMs: number } | undefined
  }): Promise<boolean>
  /** Takes the task that has waited longest, for a worker with this model, and counts an attempt. */
  claim(options: { kinds: readonly ImageTaskKind[]; leaseMs: number; modelRevision: string }): Promise<ClaimedTask | undefined>
  /** Resolves to false when the lease had ended and somebody else has the task, or there is none any more: what comes of it is of no use then. So do the next three. */
  renew(task: Lease, leaseMs: number): Promise<boolean>
  complete(task: Lease, result: TaskResult): Promise<boolean>
  fail(task: Lease, problem: TaskProblem, detail: string): Promise<boolean>
  /** It is others' at once; `counted` tells whether the attempt counts. */
  release(task: Lease, options: { counted: boolean }): Promise<boolean>
  /** An upload's embeddings by a model, in the order of its views' names. */
  embeddings(uploadId: string, modelRevision: string): Promise<{ view: string; embedding: Float32Array }[]>
  /**
   * Deletes results that are older, what was asked for before that by somebody who is long gone, and failures of longer ago than `failedBeforeMs`. They are
   * made anew for whoever asks. Resolves to their number.
   */
  deleteOld(options: { olderThanMs: number; failedBeforeMs: number }): Promise<number>
  /** Deletes explanations by other models, failed ones too. Resolves to their number. */
  deleteOthers(modelRevision: string): Promise<number>
}

type Lease = Pick<ClaimedTask, 'uploadId' | 'kind' | 'lease'>

/** What the end of a task is announced by. */
export function imageTaskKey(uploadId: string, kind: ImageTaskKind): string {
  return `${uploadId}/${kind}`
}
