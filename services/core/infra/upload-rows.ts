import type { PolicyVerdict } from '../domain/decide.ts'
import {
  buildDecision,
  buildPending,
  type Conclusion,
  type Decision,
  type UploadFacts,
  type UploadView,
} from '../domain/decision.ts'
import { AppError } from '../domain/errors.ts'
import type { Action } from '../domain/policy.ts'
import type { ClaimedUpload } from './upload-store.ts'

/** What an upload is since its intake. */
export type FactsRow = {
  id: string
  external_id: string | null
  source: string | null
  uploader: string | null
  metadata: Record<string, unknown> | null
  sha256: string
  mime: string
  width: number | null
  height: number | null
  /** A bigint, which pg reads as text. */
  byte_size: string
  received_at: Date
}
export const FACTS_COLUMNS = [
  'id',
  'external_id',
  'source',
  'uploader',
  'metadata',
  'sha256',
  'mime',
  'width',
  'height',
  'byte_size',
  'received_at',
] as const satisfies (keyof FactsRow)[]

export type ClaimedRow = FactsRow & { tenant: string; blob_key: string; keep_image: boolean; attempts: number }

/** An upload with its decision, once it has one. */
export type UploadRow = FactsRow & {
  decided_at: Date | null
  action: Action | null
  reason_codes: string[]
  detail: string | null
  model_id: string | null
  model_revision: string | null
  timings: Conclusion['timings'] | null
  verdicts: PolicyVerdict[] | null
}
export const DECISION_COLUMNS = [
  'decided_at',
  'action',
  'reason_codes',
  'detail',
  'model_id',
  'model_revision',
  'timings',
] as const satisfies (keyof UploadRow)[]

/** SQL of the column `verdicts`: those of an upload's policies, in the shape of `PolicyVerdict`. */
export const VERDICTS = `(
  SELECT json_agg(json_build_object('id', policy_id, 'version', version, 'mode', mode, 'action', action, 'rules', rules))
  FROM decisions WHERE upload_id = uploads.id)`

export function toClaimed(row: ClaimedRow): ClaimedUpload {
  const { tenant, blob_key: blobKey, keep_image: keepImage, attempts } = row
  return { ...toFacts(row), tenant, blobKey, keepImage, attempts }
}

export function toView(row: UploadRow): UploadView {
  return row.action && row.decided_at ? toDecision(row, row.action, row.decided_at) : buildPending(toFacts(row))
}

function toDecision(row: UploadRow, action: Action, decidedAt: Date): Decision {
  const { model_id: id, model_revision: revision } = row
  return buildDecision(
    toFacts(row),
    {
      action,
      reasonCodes: row.reason_codes,
      verdicts: row.verdicts ?? [],
      ...(id !== null && revision !== null && { model: { id, revision } }),
      ...(row.detail !== null && { detail: row.detail }),
      timings: row.timings ?? {},
    },
    decidedAt,
  )
}

export function toFacts(row: FactsRow): UploadFacts {
  return {
    id: row.id,
    externalId: row.external_id ?? undefined,
    source: row.source ?? undefined,
    uploader: row.uploader ?? undefined,
    metadata: row.metadata ?? undefined,
    sha256: row.sha256,
    mime: row.mime,
    width: row.width ?? undefined,
    height: row.height ?? undefined,
    byteSize: Number(row.byte_size),
    receivedAt: row.received_at,
  }
}

export function erased(at: Date): AppError {
  return new AppError('erased', 'the upload and what was known of it were erased', { details: { erased_at: at.toISOString() } })
}
