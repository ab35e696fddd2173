import { type Signal, signal } from '@preact/signals'
import type { Explanation } from '../../../core/domain/explain.ts'
import type { Api } from '../api.ts'

export type ExplanationLoad = { found: Signal<Explanation | undefined>; error: Signal<unknown> }

export type Explanations = {
  /** Asks for it, unless that was done before. */
  of(uploadId: string): ExplanationLoad
  /** It is asked for again the next time. */
  forget(uploadId: string): void
}

const KEPT = 20
const WAIT_SECONDS = 20
const MOST_WAITS = 4

/** Computed on request and only when somebody asks, since the model looks at the picture many times for it. */
export function createExplanations(api: Pick<Api, 'get'>): Explanations {
  const asked = new Map<string, ExplanationLoad>()

  const read = async (uploadId: string, { found, error }: ExplanationLoad) => {
    try {
      for (let waits = 0; waits < MOST_WAITS; waits++) {
        const answer = await api.get<Explanation | { status: 'pending' }>(`/uploads/${uploadId}/explanation`, {
          query: { wait: WAIT_SECONDS },
        })
        if ('policies' in answer) {
          found.value = answer
          return
        }
      }
      throw new Error('it takes too long')
    } catch (reason) {
      error.value = reason
    }
  }

  return {
    of(uploadId) {
      const known = asked.get(uploadId)
      if (known) return known
      const load: ExplanationLoad = { found: signal(undefined), error: signal(undefined) }
      asked.set(uploadId, load)
      for (const oldest of asked.keys()) if (asked.size > KEPT) asked.delete(oldest)
      void read(uploadId, load)
      return load
    },
    forget: (uploadId) => {
      asked.delete(uploadId)
    },
  }
}
