import type { Mode, ScoreKind, Thresholds } from '../../../core/domain/policy.ts'
import type { ActionCounts } from '../../../core/domain/what-if.ts'
import type { ScoreBucket } from '../charts/score-histogram.tsx'

export type PolicyRule = {
  id: string
  title?: string
  score: ScoreKind
  templates: string[]
  concepts: string[]
  contrast: string[]
  background?: number
  /** By model id; `*` stands for any, `default` for those that are not named. */
  thresholds: Record<string, Thresholds>
}

/** What GET /v1/policies/:id answers. Its texts come from whoever writes policies. */
export type Policy = {
  id: string
  title: string
  description?: string
  limits?: string
  version: string
  mode: Mode
  /** `full`, or what is looked at besides: `tiles`, `frames:8`. */
  views: string[]
  rules: PolicyRule[]
}

export type RuleScores = { id: string; thresholds: Thresholds; total: number; buckets: ScoreBucket[] }
/** What GET /v1/policies/:id/scores answers. */
export type PolicyScores = { policy: string; version: string; sampled: boolean; rules: RuleScores[] }

export type ChangedUpload = { upload_id: string; score?: number; has_image: boolean }
/** What GET /v1/policies/:id/what-if answers. */
export type WhatIf = {
  considered: number
  /** There are more decisions than were looked at. */
  sampled: boolean
  version: string
  now: ActionCounts
  then: ActionCounts
  newly: ChangedUpload[]
  no_longer: ChangedUpload[]
}

export type PolicyVersion = { version: string; first_seen: string; active: boolean; body: unknown; decisions: number }
