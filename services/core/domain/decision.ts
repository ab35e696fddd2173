import type { PolicyVerdict } from './decide.ts'
import type { Action } from './policy.ts'

export type Recommendation = { action: 'approve' | 'review' | 'reject'; reason_codes: string[] }

/** An upload as callers see it, before and after its decision (design: the shape of GET /v1/uploads/:id). */
export type UploadView = PendingUpload | Decision

type Common = {
  id: string
  external_id?: string
  source?: string
  uploader?: string
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

/** What is known of an upload since its intake. */
export type UploadFacts = {
  id: string
  externalId?: string | undefined
  source?: string | undefined
  /** The platform's own id of whoever brought it in. */
  uploader?: string | undefined
  metadata?: Record<string, unknown> | undefined
  sha256: string
  mime: string
  width?: number | undefined
  height?: number | undefined
  byteSize: number
  receivedAt: Date
}

export function buildPending(upload: UploadFacts): PendingUpload {
  return { ...common(upload), status: 'pending' }
}

/** The decision that callers and webhooks are shown: the same text from a conclusion as from the rows it was stored in. */
export function buildDecision(upload: UploadFacts, conclusion: Omit<Conclusion, 'embeddings'>, decidedAt: Date): Decision {
  const { action, reasonCodes, verdicts, model, detail, timings } = conclusion
  return {
    ...common(upload),
    status: 'decided',
    action,
    recommendation: recommend(action, reasonCodes),
    policies: verdicts.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    ...(model && { model: { id: model.id, revision: model.revision } }),
    ...(detail !== undefined && { detail }),
    timings_ms: rounded(timings),
    decided_at: decidedAt.toISOString(),
  }
}

/** To hundredths of a millisecond. */
function rounded(timings: Timings): Timings {
  return Object.fromEntries(Object.entries(timings).map(([stage, ms]) => [stage, Math.round(ms * 100) / 100]))
}

function common(upload: UploadFacts): Common {
  const shown = showFacts(upload)
  return { ...shown, image: { sha256: upload.sha256, ...shown.image } }
}

/** What callers see of an upload, whether or not it is decided; the hash is only for whoever uploaded. */
export function showFacts(upload: Omit<UploadFacts, 'sha256'>) {
  const { id, externalId, source, uploader, metadata, mime, width, height, byteSize, receivedAt } = upload
  return {
    id,
    ...(externalId !== undefined && { external_id: externalId }),
    ...(source !== undefined && { source }),
    ...(uploader !== undefined && { uploader }),
    ...(metadata && { metadata }),
    image: { mime, ...(width !== undefined && { width }), ...(height !== undefined && { height }), byte_size: byteSize },
    received_at: receivedAt.toISOString(),
  }
}

export function recommend(action: Action, reasonCodes: string[]): Recommendation {
  return { action: action === 'flag' ? 'review' : action, reason_codes: reasonCodes }
}
