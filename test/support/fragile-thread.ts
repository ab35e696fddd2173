import { parentPort } from 'node:worker_threads'
import type { InferenceReply, InferenceRequest } from '../../services/worker/clip/create-inference-thread.ts'

/** A thread in the place of the inference thread that embeds a text as its length, and does what the text says if that is to die. */
parentPort?.on('message', (request: InferenceRequest) => {
  if (request.task === 'end') return parentPort?.close()
  const texts = request.task === 'texts' ? request.texts : []
  if (texts.includes('crash')) throw new Error('as told')
  if (texts.includes('exit')) process.exit(3)
  if (texts.includes('hang')) return undefined
  const reply: InferenceReply = texts.includes('fail')
    ? { id: request.id, ok: false, code: 'model-failed', message: 'as told' }
    : { id: request.id, ok: true, embeddings: texts.map((text) => Float32Array.of(text.length)), ms: 1 }
  return parentPort?.postMessage(reply)
})
