import { z } from 'zod'
import { thresholdsByModel } from './parse-thresholds.ts'
import { policyViews } from './parse-views.ts'
import { ACTIONS, MODES, type Policy, SCORE_KINDS } from './policy.ts'
import { inconsistencies } from './policy-consistency.ts'

/** A place in a document by keys and indexes, as zod reports it. */
export type Path = readonly PropertyKey[]
/** `key`: the problem is the last key itself, not its value. */
export type PathProblem = { path: Path; key?: boolean; message: string }
export type ParsedPolicy = { ok: true; policy: Policy } | { ok: false; problems: PathProblem[] }

const id = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/, 'an id is 1 to 64 lower-case letters, digits and inner hyphens')
const phrase = z.string().trim().min(1, 'must not be empty').max(500, 'at most 500 characters')
const template = phrase.refine((text) => text.includes('{}'), 'a template needs {} where the concept goes')
const templates = z.array(template).min(1, 'at least one template is needed')

const rule = z.strictObject({
  id,
  title: phrase.optional(),
  templates: templates.optional(),
  concepts: z.array(phrase).min(1, 'a rule needs at least one concept'),
  contrast: z.array(phrase).default([]),
  score: z.enum(SCORE_KINDS).default('softmax'),
  background: z.number().min(-1, 'a cosine lies in [-1, 1]').max(1, 'a cosine lies in [-1, 1]').optional(),
  thresholds: thresholdsByModel,
})

const test = z.strictObject({
  image: z.string().min(1, 'must not be empty'),
  expect: z.enum(ACTIONS),
  rule: id.optional(),
})

const policy = z.strictObject({
  id,
  title: phrase,
  description: z.string().optional(),
  limits: z.string().optional(),
  mode: z.enum(MODES),
  templates: templates.default(['a photo of {}.']),
  views: policyViews.optional(),
  rules: z.array(rule).min(1, 'a policy needs at least one rule'),
  tests: z.array(test).default([]),
})

/** Checks a policy document that is already read from YAML. Reports every problem with the path of the value it is about. */
export function parsePolicy(document: unknown): ParsedPolicy {
  const parsed = policy.safeParse(document, { error: messageOf })
  const problems = [...(parsed.error?.issues ?? []).flatMap(problemsOf), ...inconsistencies(document)]
  if (!parsed.success || problems.length > 0) return { ok: false, problems }
  return { ok: true, policy: parsed.data }
}

function problemsOf(issue: z.core.$ZodIssue): PathProblem[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path: [...issue.path, key], key: true, message: `unknown field "${key}"` }))
  return [{ path: issue.path, message: issue.message }]
}

const KINDS: Record<string, string> = { string: 'text', array: 'a list', object: 'a map of fields', number: 'a number' }

/** Says what is needed in the words of YAML. A missing field is named, because there is no place in the file to point at. */
function messageOf(issue: z.core.$ZodRawIssue): string | undefined {
  const name = issue.path?.at(-1)
  if (issue.input === undefined && typeof name === 'string') return `"${name}" is missing`
  if (issue.code === 'invalid_type') return `${KINDS[issue.expected] ?? issue.expected} is needed`
  if (issue.code === 'invalid_value') return `one of ${issue.values.join(', ')} is needed`
  return undefined
}
