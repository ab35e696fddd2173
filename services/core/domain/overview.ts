import { estimateCounts, type SliceCounts, sumOf } from './estimate-counts.ts'
import type { OverviewSpan, OverviewWindow } from './overview-span.ts'
import { ACTIONS, type Mode } from './policy.ts'

/** What the service did in a window of time, as callers see it. Numbers of erased uploads are in those of uploads, not in those of policies. */
export type Overview = {
  window: OverviewWindow
  from: string
  to: string
  bucket_seconds: number
  /** Whether some of the counts are estimates, because there was too much to count. */
  sampled: boolean
  totals: { received: number; decided: number; approve: number; flag: number; reject: number; undecodable: number }
  pending: { count: number; oldest_seconds?: number }
  throughput_per_minute: number
  /** From an upload's arrival to its decision; absent without decisions. Within 1 %. */
  latency_ms: { p50?: number; p95?: number; p99?: number }
  reviews: ReviewNumbers
  series: { at: string; approve: number; flag: number; reject: number }[]
  policies: PolicyNumbers[]
}

type ReviewNumbers = {
  open: number
  claimed: number
  /** Of those that are not resolved. */
  oldest_seconds?: number
  resolved: number
  /** A person came to what the machine did: rejected what it flagged or rejected, approved what it had approved. What it could not judge counts for neither. */
  upheld: number
  overturned: number
  /** From the claim to the resolution. */
  median_handling_seconds?: number
}

type PolicyNumbers = {
  id: string
  /** At present; `off` also for one that is gone. */
  mode: Mode
  approve: number
  flag: number
  reject: number
  series: { at: string; flag: number; reject: number }[]
}

/** What an overview is made of, as it was counted: at most `most` of each slice. */
export type OverviewCounts = {
  decided: { most: number; slices: SliceCounts<'approve' | 'flag' | 'reject' | 'received'>[] }
  /** Decisions by how long they took: those whose milliseconds have a natural logarithm from bin / BINS_PER_E up to the next. */
  latencies: { bin: number; count: number }[]
  undecodable: number
  pending: { count: number; received: number; oldestSeconds: number | undefined }
  reviews: ReviewNumbers
  policies: { most: number; judged: PolicySlices<'judged'>; found: PolicySlices<'flag' | 'reject'> }
}

export type PolicySlices<Key extends string> = ReadonlyMap<string, SliceCounts<Key>[]>

export const BINS_PER_E = 50

const FOUND = ['flag', 'reject'] as const
const RECEIVED = [...ACTIONS, 'received'] as const

/** `modes`: of the policies that are active. Others are named if they judged something. */
export function buildOverview(span: OverviewSpan, counts: OverviewCounts, modes: ReadonlyMap<string, Mode>): Overview {
  const { decided, latencies, undecodable, pending, reviews } = counts
  const { buckets, sampled } = estimateCounts(decided.slices, RECEIVED, span, decided.most)
  const { received, ...actions } = sumOf(buckets, RECEIVED)
  const total = actions.approve + actions.flag + actions.reject
  const policies = buildPolicies(span, counts.policies, modes)
  return {
    window: span.window,
    from: span.from.toISOString(),
    to: span.to.toISOString(),
    bucket_seconds: span.bucketSeconds,
    sampled: sampled || policies.some((each) => each.sampled),
    totals: { received: received + pending.received, decided: total, ...actions, undecodable },
    pending: {
      count: pending.count,
      ...(pending.oldestSeconds !== undefined && { oldest_seconds: pending.oldestSeconds }),
    },
    throughput_per_minute: round((total / (span.to.getTime() - span.from.getTime())) * 60_000),
    latency_ms: percentiles(latencies),
    reviews,
    series: buckets.map(({ received: _, ...bucket }, index) => ({ at: bucketStart(span, index), ...bucket })),
    policies: policies.map(({ numbers }) => numbers),
  }
}

function buildPolicies(
  span: OverviewSpan,
  { most, judged, found }: OverviewCounts['policies'],
  modes: ReadonlyMap<string, Mode>,
) {
  const ids = [...new Set([...modes.keys(), ...judged.keys()])].sort()
  return ids.map((id) => {
    const all = estimateCounts(judged.get(id) ?? [], ['judged'], span, most)
    const hits = estimateCounts(found.get(id) ?? [], FOUND, span, most)
    const { flag, reject } = sumOf(hits.buckets, FOUND)
    const approve = Math.max(0, sumOf(all.buckets, ['judged']).judged - flag - reject)
    const series = hits.buckets.map((bucket, index) => ({ at: bucketStart(span, index), ...bucket }))
    const numbers: PolicyNumbers = { id, mode: modes.get(id) ?? 'off', approve, flag, reject, series }
    return { numbers, sampled: all.sampled || hits.sampled }
  })
}

function bucketStart({ from, bucketSeconds }: OverviewSpan, index: number): string {
  return new Date(from.getTime() + index * bucketSeconds * 1000).toISOString()
}

/** By the nearest rank. */
function percentiles(latencies: OverviewCounts['latencies']): Overview['latency_ms'] {
  const bins = latencies.toSorted((a, b) => a.bin - b.bin)
  const total = bins.reduce((sum, { count }) => sum + count, 0)
  if (total === 0) return {}
  const at = (share: number) => {
    let left = share * total
    const found = bins.find(({ count }) => {
      left -= count
      return left <= 0
    })
    return round(Math.exp(((found?.bin ?? 0) + 0.5) / BINS_PER_E))
  }
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}

/** To three digits. */
function round(value: number): number {
  return Number(value.toPrecision(3))
}
