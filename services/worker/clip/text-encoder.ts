import { createInferenceThread, type InferenceThread } from './create-inference-thread.ts'
import type { Model } from './open-model.ts'

export type PromptEncoder = {
  /** Unit embeddings, shape [dim]. Throws AppError `invalid-model` or `model-failed`. */
  embed(texts: string[]): Promise<Float32Array[]>
  close(): Promise<void>
}

/** Runs the text side of a model in a thread that lives only while there are prompts to embed: policies change seldom, and its weights are large. */
export function createTextEncoder(model: Model, { threads }: { threads: number }): PromptEncoder {
  let thread: InferenceThread | undefined
  let users = 0

  async function leave(used: InferenceThread): Promise<void> {
    users--
    if (users > 0) return
    thread = undefined
    await used.close()
  }

  return {
    async embed(texts) {
      thread ??= createInferenceThread({ model, threads, providers: ['cpu'] })
      const used = thread
      users++
      try {
        const { embeddings } = await used.call({ task: 'texts', texts })
        return embeddings
      } finally {
        await leave(used)
      }
    },
    async close() {
      await thread?.close()
    },
  }
}
