import type { PolicyVerdict } from '../../core/domain/decide.ts'
import { AppError, hasCode } from '../../core/domain/errors.ts'
import { dot } from '../../core/domain/vector.ts'
import type { Judge, Judgement } from '../../worker/judge.ts'

/** How near one model's judgements are to another's. Shares and cosines at most 1. */
export type Agreement = {
  pictures: number
  /** Share of the pictures that get the same action from every policy; and by policy. */
  sameAction: number
  sameActionBy: Record<string, number>
  /** |score − score| over all rules and pictures; NaN when no rule has a score. */
  apart: { p50: number; p95: number; most: number }
  cosine: { mean: number; least: number }
  /** The pictures that some policy decides differently. */
  differing: string[]
}

type Judging = Pick<Judge, 'judge'>
type Pair = { file: string; one: Judgement; other: Judgement }

/**
 * Judges pictures by two models, each with the policies that its judge uses, `atOnce` at a time. Files that do not decode are left out, and so are rules that have
 * no score by either. Throws AppError `invalid-config` when no picture is left, and what `Judge.judge` throws.
 */
export async function compareDecisions(files: string[], one: Judging, other: Judging, atOnce: number): Promise<Agreement> {
  const pairs: Pair[] = []
  for (let i = 0; i < files.length; i += atOnce) {
    const some = files.slice(i, i + atOnce)
    const judged = await judgeAll(some, one)
    const again = await judgeAll(some, other)
    for (const [index, file] of some.entries()) {
      const pair = { file, one: judged[index], other: again[index] }
      if (isWhole(pair)) pairs.push(pair)
    }
  }
  return agreementOf(pairs)
}

function judgeAll(files: string[], judge: Judging): Promise<(Judgement | undefined)[]> {
  return Promise.all(files.map((file) => judge.judge(file).catch(noneIfUndecodable)))
}

function noneIfUndecodable(error: unknown): undefined {
  if (!hasCode(error, 'undecodable')) throw error
}

function isWhole(pair: { [side in keyof Pair]: Pair[side] | undefined }): pair is Pair {
  return pair.one !== undefined && pair.other !== undefined
}

function agreementOf(pairs: Pair[]): Agreement {
  const [first] = pairs
  if (!first) throw new AppError('invalid-config', 'none of the pictures to compare on can be decoded')
  const share = (holds: (pair: Pair) => boolean) => pairs.filter(holds).length / pairs.length
  const bySame = first.one.verdicts.map(({ id }, index): [string, number] => [id, share((pair) => isSame(pair, index))])
  const same = (pair: Pair) => pair.one.verdicts.every((_, index) => isSame(pair, index))
  const apart = pairs.flatMap(scoresApart).sort((a, b) => a - b)
  const cosines = pairs.flatMap(cosinesOf)
  return {
    pictures: pairs.length,
    sameAction: share(same),
    sameActionBy: Object.fromEntries(bySame),
    apart: { p50: quantile(apart, 0.5), p95: quantile(apart, 0.95), most: quantile(apart, 1) },
    cosine: {
      mean: cosines.reduce((sum, each) => sum + each, 0) / cosines.length,
      least: cosines.reduce((least, each) => Math.min(least, each), 1),
    },
    differing: pairs.filter((pair) => !same(pair)).map(({ file }) => file),
  }
}

function isSame({ one, other }: Pair, policy: number): boolean {
  return one.verdicts[policy]?.action === other.verdicts[policy]?.action
}

function scoresApart({ one, other }: Pair): number[] {
  const others = other.verdicts.flatMap(scoresOf)
  return one.verdicts.flatMap(scoresOf).flatMap((score, index) => {
    const another = others[index]
    if (score === undefined && another === undefined) return []
    return score === undefined || another === undefined ? [Number.POSITIVE_INFINITY] : [Math.abs(score - another)]
  })
}

function scoresOf({ rules }: PolicyVerdict): (number | undefined)[] {
  return rules.map(({ score }) => score)
}

function cosinesOf({ one, other }: Pair): number[] {
  return one.embeddings.map(({ embedding }, index) => dot(embedding, other.embeddings[index]?.embedding ?? new Float32Array()))
}

function quantile(sorted: number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
}
