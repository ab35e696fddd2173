import { z } from 'zod'
import { pairsOf } from './parse-thresholds.ts'
import { SCORE_KINDS, type ScoreKind } from './policy.ts'

export type Inconsistency = { path: PropertyKey[]; message: string }

/** The values each score can take: a threshold outside would always or never match. */
const RANGES: Record<ScoreKind, [number, number]> = {
  softmax: [0, 1],
  sigmoid: [0, 1],
  cosine: [-1, 1],
  margin: [-2, 2],
}

/** Reads what can be read of any document: a value of another shape is as good as absent, since its shape is reported elsewhere. */
const text = z.string().trim().optional().catch(undefined)
const number = z.number().optional().catch(undefined)
const listOf = <T extends z.ZodType>(item: T) => z.array(item).catch([])
const pairShape = z.object({ flag: number, reject: number }).catch({})
const ruleShape = z
  .object({
    id: text,
    concepts: listOf(text),
    contrast: listOf(text),
    score: z.enum(SCORE_KINDS).default('softmax').optional().catch(undefined),
    thresholds: z.record(z.string(), z.unknown()).catch({}),
  })
  .catch({ concepts: [], contrast: [], thresholds: {} })
const testShape = z.object({ rule: text }).catch({})
const documentShape = z.object({ rules: listOf(ruleShape), tests: listOf(testShape) }).catch({ rules: [], tests: [] })

/** What does not fit together in a policy document, whatever else is wrong with it. */
export function inconsistencies(document: unknown): Inconsistency[] {
  const { rules, tests } = documentShape.parse(document)
  const ids = rules.map(({ id }) => id)
  return [
    ...repeated(ids).map(({ index, message }) => ({ path: ['rules', index, 'id'], message })),
    ...rules.flatMap((rule, index) => ofRule(rule).map(({ path, message }) => ({ path: ['rules', index, ...path], message }))),
    ...tests.flatMap(({ rule }, index) =>
      rule === undefined || ids.includes(rule) ? [] : [{ path: ['tests', index, 'rule'], message: `there is no rule "${rule}"` }],
    ),
  ]
}

function ofRule({ concepts, contrast, score, thresholds }: z.infer<typeof ruleShape>): Inconsistency[] {
  return [
    ...repeated(concepts).map(({ index, message }) => ({ path: ['concepts', index], message })),
    ...repeated(contrast).map(({ index, message }) => ({ path: ['contrast', index], message })),
    ...contrast.flatMap((phrase, index) =>
      phrase && concepts.includes(phrase) ? [{ path: ['contrast', index], message: `"${phrase}" is also a concept` }] : [],
    ),
    ...pairsOf(thresholds).flatMap(({ pair, at }) => ofPair(pair, ['thresholds', ...at], score)),
  ]
}

function ofPair(pair: unknown, path: PropertyKey[], score: ScoreKind | undefined): Inconsistency[] {
  const { flag, reject } = pairShape.parse(pair)
  const swapped = flag !== undefined && reject !== undefined && flag > reject
  return [
    ...(swapped ? [{ path, message: 'flag must not be above reject' }] : []),
    ...Object.entries({ flag, reject }).flatMap(([key, threshold]) =>
      score === undefined || threshold === undefined || isWithin(threshold, RANGES[score])
        ? []
        : [{ path: [...path, key], message: `a ${score} score lies in [${RANGES[score].join(', ')}]` }],
    ),
  ]
}

function isWithin(value: number, [lowest, highest]: [number, number]): boolean {
  return value >= lowest && value <= highest
}

function repeated(values: (string | undefined)[]): { index: number; message: string }[] {
  return values.flatMap((value, index) =>
    value && values.indexOf(value) !== index ? [{ index, message: `"${value}" is there twice` }] : [],
  )
}
