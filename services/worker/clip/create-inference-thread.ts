import { once } from 'node:events'
import { type TransferListItem, Worker } from 'node:worker_threads'
import { AppError } from '../../core/domain/errors.ts'
import type { ExecutionProvider, ProviderNotice } from '../../core/infra/execution-providers.ts'
import type { Model } from './open-model.ts'
import { refuseTelemetry } from './refuse-telemetry.ts'

export type InferenceThreadData = {
  model: Model
  threads: number
  /** Where edited graphs of the image side are kept; without one it runs as it came. */
  graphDir?: string | undefined
  /** What the image side may run on, best first. */
  providers: readonly ExecutionProvider[]
}
export type InferenceTask = { task: 'images'; views: Uint8Array[] } | { task: 'texts'; texts: string[] }
export type InferenceRequest = (InferenceTask & { id: number }) | { task: 'end' }
export type InferenceReply =
  | ({ id: number; ok: true } & Inference)
  | { id: number; ok: false; code: 'invalid-model' | 'model-failed'; message: string }

/** Said whenever the image side begins to run somewhere. */
export type InferenceNotice = { opened: ProviderNotice }

/** Unit embeddings, one for each input, and how long the model ran for them. */
export type Inference = { embeddings: Float32Array[]; ms: number }

export type InferenceThread = {
  /** Throws AppError `invalid-model` when the model cannot be loaded, `model-failed` when it fails or its thread dies. */
  call(task: InferenceTask, transfer?: TransferListItem[]): Promise<Inference>
  /** Ends the thread when it has answered what it was asked. Later calls are rejected with `model-failed`. */
  close(): Promise<void>
}

/** What to do when the model has run for `afterMs` without an answer: its thread cannot be stopped by itself. Loading a model may take as long as it takes. */
export type StuckModel = { afterMs: number; tell: () => void }

export type InferenceThreadOptions = {
  entry?: URL
  whenStuck?: StuckModel | undefined
  onOpened?: ((notice: ProviderNotice) => void) | undefined
}

type Call = { resolve: (inference: Inference) => void; reject: (error: AppError) => void }
type Running = { worker: Worker; calls: Map<number, Call>; expectAnswer(): void }

const ENTRY = new URL('./inference-thread.js', import.meta.url)

/** A thread for a model, started by the first call. When it dies, its calls are rejected and the next call starts another. */
export function createInferenceThread(
  data: InferenceThreadData,
  { entry = ENTRY, whenStuck, onOpened }: InferenceThreadOptions = {},
): InferenceThread {
  let running: Running | undefined
  let closed = false
  let nextId = 0

  function start(): Running {
    refuseTelemetry()
    const worker = new Worker(entry, { workerData: data, name: 'inference' })
    const calls = new Map<number, Call>()
    const watch = watchAnswers(whenStuck)
    const died = (message: string, cause?: unknown) => {
      watch.stop()
      if (running?.worker === worker) running = undefined
      for (const { reject } of calls.values()) reject(new AppError('model-failed', message, { cause }))
      calls.clear()
    }
    worker.on('message', (message: InferenceReply | InferenceNotice) => {
      if ('opened' in message) return onOpened?.(message.opened)
      settle(calls, message)
      return watch.answered(calls.size)
    })
    worker.on('error', (cause) => died(`the inference thread crashed: ${String(cause)}`, cause))
    worker.on('exit', (code) => died(`the inference thread ended with ${code}`))
    return { worker, calls, expectAnswer: watch.expect }
  }

  return {
    async call(task, transfer = []) {
      if (closed) throw new AppError('model-failed', 'the model is closed')
      running ??= start()
      const { worker, calls, expectAnswer } = running
      const id = nextId++
      worker.postMessage({ ...task, id }, transfer)
      if (calls.size === 0) expectAnswer()
      return new Promise((resolve, reject) => calls.set(id, { resolve, reject }))
    },
    async close() {
      closed = true
      if (!running) return
      const { worker } = running
      const ended = once(worker, 'exit')
      // Not terminate(): onnxruntime aborts the whole process when its thread is stopped during a run.
      worker.postMessage({ task: 'end' } satisfies InferenceRequest)
      await ended
    },
  }
}

function settle(calls: Map<number, Call>, reply: InferenceReply): void {
  const call = calls.get(reply.id)
  calls.delete(reply.id)
  if (reply.ok) call?.resolve({ embeddings: reply.embeddings, ms: reply.ms })
  else call?.reject(new AppError(reply.code, reply.message))
}

/** Counts from a call, or from the answer before it, since calls are answered one after the other; and not before the first answer, which waits for the model to load. */
function watchAnswers(whenStuck: StuckModel | undefined) {
  let loaded = false
  let timer: NodeJS.Timeout | undefined
  const stop = () => clearTimeout(timer)
  const expect = () => {
    if (loaded && whenStuck) timer = setTimeout(whenStuck.tell, whenStuck.afterMs).unref()
  }
  return {
    expect,
    answered(stillAsked: number) {
      loaded = true
      stop()
      if (stillAsked > 0) expect()
    },
    stop,
  }
}
