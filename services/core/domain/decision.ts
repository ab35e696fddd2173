import type { PolicyVerdict } from './decide.ts'
import type { Action } from './policy.ts'

export type Recommendation = { action: 'approve' | 'review' | 'reject'; reason_codes: string[] }

/** An upload as callers see it, before and after its decision (design: the shape of GET /v1/uploads/:id). */
export type UploadView = PendingUpload | Decision

type Common = {
  id: string
  external_id?: string
  source?: string
  metadata?: Record<string, unknown>
  image: { sha256: string; mime: string; width?: number; height?: number; byte_size: number }
  received_at: string
}

export type PendingUpload = Common & { status: 'pending' }

export type Decision = Common & {
  status: 'decided'
  action: Action
  recommendation: Recommendation
  policies: PolicyVerdict[]
  /** Absent when the image never reached the model. */
  model?: { id: string; revision: string }
  /** Why an image could not be judged, or which of its views are missing. */
  detail?: string
  timings_ms: Timings
  decided_at: string
}

/** Milliseconds spent in each stage; a stage that was not reached is absent. */
export type Timings = { queue?: number; fetch?: number; decode?: number; inference?: number; decide?: number }

/** What a worker concludes about an upload; the store writes it in one transaction. */
export type Conclusion = {
  action: Action
  reasonCodes: string[]
  verdicts: PolicyVerdict[]
  model?: { id: string; revision: string }
  /** Unit embeddings, shape [dim], one for each view. */
  embeddings: { view: string; embedding: Float32Array }[]
  detail?: string
  timings: Timings
}

export function recommend(action: Action, reasonCodes: string[]): Recommendation {
  return { action: action === 'flag' ? 'review' : action, reason_codes: reasonCodes }
}
