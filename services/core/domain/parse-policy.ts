import { z } from 'zod'
import { ACTIONS, ANY_MODEL, MODES, type Policy, type Rule, SCORE_KINDS, type ScoreKind, type Thresholds } from './policy.ts'

/** A place in a document by keys and indexes, as zod reports it. */
export type Path = readonly PropertyKey[]
/** `key`: the problem is the last key itself, not its value. */
export type PathProblem = { path: Path; key?: boolean; message: string }
export type ParsedPolicy = { ok: true; policy: Policy } | { ok: false; problems: PathProblem[] }

const id = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/, 'an id is 1 to 64 lower-case letters, digits and inner hyphens')
const phrase = z.string().trim().min(1, 'must not be empty').max(500)
const template = phrase.refine((text) => text.includes('{}'), 'a template needs {} where the concept goes')
const templates = z.array(template).min(1, 'at least one template is needed')
const finite = z.number({ error: 'a number is needed' })
const thresholds = z
  .strictObject({ flag: finite.optional(), reject: finite.optional() })
  .refine(({ flag, reject }) => flag !== undefined || reject !== undefined, 'flag, reject or both are needed')
  .refine(({ flag, reject }) => flag === undefined || reject === undefined || flag <= reject, 'flag must not be above reject')

/** A pair for every model, or a map from model ids to pairs: told apart by the first key, so that the problem named is the one meant. */
const thresholdsByModel = z
  .record(z.string(), z.unknown(), { error: 'thresholds are { flag, reject }, or a map from model ids to that' })
  .transform((value, context): Record<string, Thresholds> => {
    const keys = Object.keys(value)
    const plain = keys.length === 0 || keys.some((key) => key === 'flag' || key === 'reject')
    const pairs: [string, unknown, Path][] = plain
      ? [[ANY_MODEL, value, []]]
      : Object.entries(value).map(([model, pair]) => [model, pair, [model]])
    const out: Record<string, Thresholds> = {}
    for (const [model, pair, at] of pairs) {
      const parsed = thresholds.safeParse(pair)
      if (parsed.success) out[model] = parsed.data
      else for (const issue of parsed.error.issues) context.addIssue({ ...issue, path: [...at, ...issue.path] } as never)
    }
    return out
  })

/** The values each score can take: a threshold outside would always or never match. */
const RANGES: Record<ScoreKind, [number, number]> = {
  softmax: [0, 1],
  sigmoid: [0, 1],
  cosine: [-1, 1],
  margin: [-2, 2],
}

const rule = z
  .strictObject({
    id,
    title: phrase.optional(),
    templates: templates.optional(),
    concepts: z.array(phrase).min(1, 'a rule needs at least one concept'),
    contrast: z.array(phrase).default([]),
    score: z.enum(SCORE_KINDS).default('softmax'),
    background: z.number().min(-1).max(1).optional(),
    thresholds: thresholdsByModel,
  })
  .superRefine((value, context) => {
    const [lowest, highest] = RANGES[value.score]
    for (const [model, pair] of Object.entries(value.thresholds))
      for (const key of ['flag', 'reject'] as const) {
        const threshold = pair[key]
        if (threshold === undefined || (threshold >= lowest && threshold <= highest)) continue
        const path = ['thresholds', ...(model === ANY_MODEL ? [] : [model]), key]
        context.addIssue({ code: 'custom', path, message: `a ${value.score} score lies in [${lowest}, ${highest}]` })
      }
    repeated(value.concepts, 'concepts', context)
    repeated(value.contrast, 'contrast', context)
    for (const [index, text] of value.contrast.entries())
      if (value.concepts.includes(text))
        context.addIssue({ code: 'custom', path: ['contrast', index], message: `"${text}" is also a concept` })
  })

const test = z.strictObject({
  image: z.string().min(1),
  expect: z.enum(ACTIONS),
  rule: id.optional(),
})

const policy = z
  .strictObject({
    id,
    title: phrase,
    description: z.string().optional(),
    limits: z.string().optional(),
    mode: z.enum(MODES),
    templates: templates.default(['a photo of {}.']),
    rules: z.array(rule).min(1, 'a policy needs at least one rule'),
    tests: z.array(test).default([]),
  })
  .superRefine((value, context) => {
    repeated(
      value.rules.map((each) => each.id),
      'rules',
      context,
      'id',
    )
    for (const [index, each] of value.tests.entries())
      if (each.rule !== undefined && !value.rules.some((known: Rule) => known.id === each.rule))
        context.addIssue({ code: 'custom', path: ['tests', index, 'rule'], message: `there is no rule "${each.rule}"` })
  })

/** Checks a policy document that is already read from YAML. Reports every problem with the path of the value it is about. */
export function parsePolicy(document: unknown): ParsedPolicy {
  const parsed = policy.safeParse(document)
  if (parsed.success) return { ok: true, policy: parsed.data }
  return { ok: false, problems: parsed.error.issues.flatMap(problemsOf) }
}

function problemsOf(issue: z.core.$ZodIssue): PathProblem[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path: [...issue.path, key], key: true, message: `unknown field "${key}"` }))
  return [{ path: issue.path, message: issue.message }]
}

function repeated(values: string[], list: string, context: z.RefinementCtx, key?: string): void {
  for (const [index, value] of values.entries())
    if (values.indexOf(value) !== index) {
      const path = key === undefined ? [list, index] : [list, index, key]
      context.addIssue({ code: 'custom', path, message: `"${value}" is there twice` })
    }
}
