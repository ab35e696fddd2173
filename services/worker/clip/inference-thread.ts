import { parentPort, workerData } from 'node:worker_threads'
import { hasCode } from '../../core/domain/errors.ts'
import type {
  InferenceNotice,
  InferenceReply,
  InferenceRequest,
  InferenceTask,
  InferenceThreadData,
} from './create-inference-thread.ts'
import { openCompared } from './open-compared.ts'
import { openResilient } from './open-resilient.ts'
import { openTextSession, type TextSession } from './text-session.ts'
import type { VisionSession } from './vision-session.ts'

/**
 * The thread in which models run: `session.run` is synchronous native code, which would stop the loop of a thread that serves.
 * Loads the side of the model that a request needs when it first comes, and answers requests one after the other.
 */
const { model, threads, graphDir, providers } = workerData as InferenceThreadData
let vision: VisionSession | undefined
let text: TextSession | undefined
let last = Promise.resolve()

parentPort?.on('message', (request: InferenceRequest) => {
  last = last.then(() => (request.task === 'end' ? parentPort?.close() : answer(request)))
})

async function answer(request: Exclude<InferenceRequest, { task: 'end' }>): Promise<void> {
  try {
    const run = await prepare(request)
    const startedAt = performance.now()
    const embeddings = await run()
    const ms = performance.now() - startedAt
    reply({ id: request.id, ok: true, embeddings, ms })
  } catch (error) {
    const code = hasCode(error, 'invalid-model') ? error.code : 'model-failed'
    reply({ id: request.id, ok: false, code, message: error instanceof Error ? error.message : String(error) })
  }
}

async function prepare(request: InferenceTask): Promise<() => Promise<Float32Array[]>> {
  if (request.task === 'images') {
    vision ??= await openResilient({
      providers,
      open: (provider) => openCompared(model, { threads, graphDir, provider }),
      onOpened: (opened) => parentPort?.postMessage({ opened } satisfies InferenceNotice),
    })
    const { embed } = vision
    return () => embed(request.views)
  }
  text ??= await openTextSession(model, threads)
  const { embed } = text
  return () => embed(request.texts)
}

function reply(message: InferenceReply): void {
  parentPort?.postMessage(message, message.ok ? message.embeddings.map(({ buffer }) => buffer as ArrayBuffer) : [])
}
