import { type Signal, signal } from '@preact/signals'
import type { SimilarUpload, UploaderHistory } from '../../../core/domain/past-upload.ts'
import type { Api } from '../api.ts'

/** What is known beside the picture; `undefined` until it has come. */
export type Facts = {
  history: Signal<UploaderHistory | undefined>
  similar: Signal<SimilarUpload[] | undefined>
  error: Signal<unknown>
}

const KEPT = 40

/** Reads ahead, so that the facts are there with the picture. */
export function createFacts(api: Pick<Api, 'get'>): { of(uploadId: string): Facts } {
  const known = new Map<string, Facts>()

  const read = async (uploadId: string, facts: Facts) => {
    try {
      const [history, similar] = await Promise.all([
        api.get<UploaderHistory>(`/uploads/${uploadId}/history`),
        api.get<{ items: SimilarUpload[] }>(`/uploads/${uploadId}/similar`),
      ])
      facts.history.value = history
      facts.similar.value = similar.items
    } catch (error) {
      facts.error.value = error
    }
  }

  return {
    of(uploadId) {
      const kept = known.get(uploadId)
      if (kept) return kept
      const facts: Facts = { history: signal(undefined), similar: signal(undefined), error: signal(undefined) }
      known.set(uploadId, facts)
      for (const oldest of known.keys()) if (known.size > KEPT) known.delete(oldest)
      void read(uploadId, facts)
      return facts
    },
  }
}
