/** The index of work: which uploads wait for a decision. It may lose everything; the reconciler fills it again from PostgreSQL. */
export interface UploadQueue {
  /** Idempotent by upload id. Throws AppError `store-unavailable` when it does not answer within 200 ms. */
  enqueue(uploadId: string): Promise<void>
  enqueueAll(uploadIds: string[]): Promise<void>
  /** Ends the pauses of jobs that failed. How long they are is by the clock of the worker that failed, which may be wrong. */
  endPauses(): Promise<void>
  counts(): Promise<{ waiting: number; active: number; delayed: number; failed: number }>
  close(): Promise<void>
}

/** Takes jobs from the queue, at most `concurrency` at once. A handler that throws has its job tried again after a pause. */
export interface UploadConsumer {
  start(): Promise<void>
  /** Takes no more jobs and waits for those in hand. */
  stop(): Promise<void>
}

/** `enqueuedAt` is when the job was added, in ms since the epoch; `failures` is how often its handler has thrown. */
export type UploadJob = { uploadId: string; enqueuedAt: number; failures: number }
export type UploadHandler = (job: UploadJob) => Promise<void>
