import type { Action } from './policy.ts'
import type { RulingAction } from './review.ts'

/** An earlier upload, and what became of it, for whoever judges another. */
export type PastUpload = {
  upload_id: string
  action: Action
  reason_codes: string[]
  /** A person's, when its review is resolved. */
  resolution?: { action: RulingAction; reason_code: string; at: string }
  /** Whether the image is still there to be looked at. */
  has_image: boolean
}

/** `similarity`: the cosine of the two embeddings. */
export type SimilarUpload = PastUpload & { similarity: number; decided_at: string }

export type UploaderHistory = {
  uploader?: string
  totals: UploaderTotals
  /** Whether the totals are only those of the newest uploads. */
  sampled: boolean
  items: (PastUpload & { received_at: string })[]
}

/** `uploads` has those that wait for their decision too. */
export type UploaderTotals = {
  uploads: number
  approve: number
  flag: number
  reject: number
  upheld: number
  overturned: number
}
