import path from 'node:path'
import { HUGE_PAGES } from '../../../services/core/infra/huge-pages.ts'
import { packageRoot } from '../../../services/core/infra/package-root.ts'
import type { Contestant } from '../contest.ts'
import type { Setting } from './prepare-clip.ts'

/** What peers are compared with, each in a process as our deployments start a worker: the judge with ViT-B/32 in float32 and in int8 and with the embedded model and its policies, and what comes before ViT-B/32. */
export function ourContestants({ dir, clip, quantised, files, policies }: Setting): Record<Ours, Contestant> {
  const ours = (name: Ours, part: 'judge' | 'preprocess', model: string, policiesDir: string): Contestant => ({
    name,
    entry: 'clip/our-pipeline',
    env: HUGE_PAGES,
    args: { part, dir: model, graphDir: path.join(dir, 'graphs'), policiesDir, files },
  })
  const shipped = path.join(packageRoot, 'policies')
  return {
    'ours fp32': ours('ours fp32', 'judge', clip, policies),
    'ours q8': ours('ours q8', 'judge', quantised, policies),
    'ours embedded': ours('ours embedded', 'judge', 'embedded', shipped),
    'our preprocessing': ours('our preprocessing', 'preprocess', clip, policies),
  }
}

type Ours = 'ours fp32' | 'ours q8' | 'ours embedded' | 'our preprocessing'

/** How often the one does what the other does once. */
export function times(rates: ReadonlyMap<string, number>, one: string, other: string): number {
  return (rates.get(one) ?? Number.NaN) / (rates.get(other) ?? Number.NaN)
}

export const TURNS = { rounds: 5, seconds: 2 }
