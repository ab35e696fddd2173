import type { PastUpload } from '../domain/past-upload.ts'
import type { Action } from '../domain/policy.ts'
import type { RulingAction } from '../domain/review.ts'

export type PastUploadRow = {
  id: string
  action: Action
  reason_codes: string[]
  has_image: boolean
  resolution: RulingAction | null
  reason_code: string | null
  resolved_at: Date | null
}

/** SQL of the columns of `PastUploadRow`, of uploads joined with `RESOLUTION`. */
export const PAST_UPLOAD = `uploads.id, uploads.action, uploads.reason_codes, uploads.blob_key IS NOT NULL AS has_image,
  review.resolution, review.reason_code, review.resolved_at`

export const RESOLUTION = "LEFT JOIN reviews AS review ON review.upload_id = uploads.id AND review.state = 'resolved'"

/** SQL: whether a person came to what the machine did; null where there is no saying, since nobody has looked or the machine could not judge. */
export const UPHELD = `CASE WHEN NOT uploads.reason_codes && '{undecodable,model-failed}'
  THEN (review.resolution = 'reject') = (uploads.action <> 'approve') END`

export function toPastUpload(row: PastUploadRow): PastUpload {
  const { id, action, reason_codes, has_image, resolution, reason_code, resolved_at } = row
  return {
    upload_id: id,
    action,
    reason_codes,
    ...(resolution &&
      resolved_at && { resolution: { action: resolution, reason_code: reason_code ?? '', at: resolved_at.toISOString() } }),
    has_image,
  }
}
