import type { OverviewCounts } from '../domain/overview.ts'
import type { OverviewSpan } from '../domain/overview-span.ts'
import type { SimilarUpload, UploaderHistory } from '../domain/past-upload.ts'
import type { ScoreBin } from '../domain/score-histogram.ts'
import type { StoredVerdict } from '../domain/what-if.ts'

/** Earlier uploads that are compared with one, newest first. */
export const MOST_COMPARED = 100_000
/** The newest uploads of an uploader that are counted. */
export const MOST_UPLOADS = 10_000
/** The newest decisions of a policy that are looked at. */
export const MOST_DECISIONS = 20_000

/**
 * Two embeddings with this cosine or more are nearly of the same picture. On the embedded model it finds each sample photo again when it is saved as JPEG of quality 60,
 * doubled in size, trimmed by 5 %, 30 % brighter or has a logo in its corner, and misses some that are halved, tilted or framed. Different sample photos come to 0.49 at most;
 * but of the 499,500 pairs of photos of different ImageNet classes 34 are above it, such as two typewriters: a model of things sees little else in them.
 */
export const NEAR_IDENTICAL = 0.95

/** Decisions of one version of a policy, on one model: the one that decided last. */
export type PolicyDecisions = { tenant: string; policy: string; version: string; since: Date }

export type StoredScores = {
  /** undefined when the version has decided nothing. */
  modelId: string | undefined
  /** Whether only the newest decisions were looked at. */
  sampled: boolean
  /** By rule. `errored`: decisions in which it had no score. */
  rules: Map<string, { bins: ScoreBin[]; errored: number }>
}

export type StoredVerdicts = { modelId: string | undefined; sampled: boolean; verdicts: StoredVerdict[] }

export type PolicyVersion = { version: string; firstSeen: Date; body: unknown; decisions: number }

/**
 * Reads for moderators and dashboards: each is bounded, and none may take long or hold up those who write. Every method throws AppError `store-unavailable` when PostgreSQL is out
 * of reach, or has not answered in time.
 */
export interface InsightStore {
  /** `active`: policies that are counted although they have never been recorded. */
  countOverview(tenant: string, span: OverviewSpan, active: string[]): Promise<OverviewCounts>
  /** Uploads before `id` whose embedding is nearly the same, the most similar first, at most `limit`. None for one without an embedding, or unknown. */
  similar(tenant: string, id: string, limit: number): Promise<SimilarUpload[]>
  /** Other uploads of the one who brought in `id`; the newest `limit` decided ones are told. */
  history(tenant: string, upload: { id: string; uploader: string }, limit: number): Promise<Omit<UploaderHistory, 'uploader'>>
  scores(decisions: PolicyDecisions): Promise<StoredScores>
  /** Newest first. */
  verdicts(decisions: PolicyDecisions, rule: string): Promise<StoredVerdicts>
  /** Which of these uploads still have their image. */
  withImage(tenant: string, ids: string[]): Promise<Set<string>>
  /** The newest first, at most 100. `decisions` are those among the tenant's newest `MOST_DECISIONS` of the policy. */
  policyVersions(tenant: string, policy: string): Promise<{ versions: PolicyVersion[]; sampled: boolean }>
}
