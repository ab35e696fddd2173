import {
  auroc,
  type Performance,
  type Proportion,
  performanceAt,
  proportion,
  thresholdAt,
} from '../../services/core/domain/calibrate.ts'
import type { CompiledRule, ScoringModel } from '../../services/core/domain/compile-policy.ts'
import { applyRule } from '../../services/core/domain/decide.ts'
import type { ClassRange, PolicyClasses } from './imagenet-classes.ts'
import type { Sample } from './imagenet-sample.ts'

export const FALSE_POSITIVE_RATE = 0.01

export type Measurement = {
  /** The lowest threshold of two decimals that keeps to `FALSE_POSITIVE_RATE`. */
  fitted: number
  /** The rule's own, at which all that follows is measured. */
  threshold: number
  auroc: number
  performance: Performance
  recallByGroup: Record<string, Proportion>
  /** Names of classes, the most surprising first. */
  falseAlarms: string[]
  missed: string[]
  flaggedAmbiguous: string[]
}

type Scored = { name: string; score: number }

/** Scores every sample as the service would, and compares with what its class shows. Throws when the rule errs or has no threshold to flag. */
export function measureRule(rule: CompiledRule, classes: PolicyClasses, samples: Sample[], model: ScoringModel): Measurement {
  const threshold = rule.thresholds.flag
  if (threshold === undefined) throw new Error(`rule ${rule.id} has no threshold to flag`)
  const scored = samples.map(({ name, embedding }) => ({ name, score: scoreOf(rule, embedding, model) }))
  const of = (ranges: readonly ClassRange[]) => ranges.flatMap(([first, last]) => scored.slice(first, last + 1))
  const groups = Object.entries(classes.positive).map(([group, ranges]) => ({ group, members: of(ranges) }))
  const positives = groups.flatMap(({ members }) => members)
  const ambiguous = of(classes.ambiguous)
  const counted = new Set([...positives, ...ambiguous])
  const negatives = scored.filter((sample) => !counted.has(sample))
  const matched = ({ score }: Scored) => score >= threshold
  return {
    fitted: thresholdAt(FALSE_POSITIVE_RATE, scoresOf(negatives)),
    threshold,
    auroc: auroc(scoresOf(positives), scoresOf(negatives)),
    performance: performanceAt(threshold, scoresOf(positives), scoresOf(negatives)),
    recallByGroup: Object.fromEntries(
      groups.map(({ group, members }) => [group, proportion(members.filter(matched).length, members.length)]),
    ),
    falseAlarms: highestFirst(negatives.filter(matched)),
    missed: highestFirst(positives.filter((sample) => !matched(sample))).reverse(),
    flaggedAmbiguous: highestFirst(ambiguous.filter(matched)),
  }
}

function scoreOf(rule: CompiledRule, embedding: Float32Array, model: ScoringModel): number {
  const { score, error } = applyRule(rule, [{ view: 'full', embedding }], model)
  if (score === undefined) throw new Error(`rule ${rule.id}: ${error}`)
  return score
}

function scoresOf(samples: Scored[]): number[] {
  return samples.map(({ score }) => score)
}

function highestFirst(samples: Scored[]): string[] {
  return samples.toSorted((a, b) => b.score - a.score).map(({ name, score }) => `${name} ${score.toFixed(2)}`)
}
