import { type PolicyViews, viewNames } from './views.ts'

/** What is done with an upload, from the mildest to the most severe. */
export const ACTIONS = ['approve', 'flag', 'reject'] as const
export type Action = (typeof ACTIONS)[number]

/** `enforce` acts, `shadow` is recorded and never acts, `off` is not evaluated. */
export const MODES = ['enforce', 'shadow', 'off'] as const
export type Mode = (typeof MODES)[number]

export const SCORE_KINDS = ['softmax', 'sigmoid', 'cosine', 'margin'] as const
export type ScoreKind = (typeof SCORE_KINDS)[number]

/** At least one is given; `flag` is at most `reject`. Without `reject` the machine never rejects. */
export type Thresholds = { flag?: number | undefined; reject?: number | undefined }

/** Thresholds by model id. `default` stands for models that are not named, `ANY_MODEL` for a pair written without a model. */
export type ThresholdsByModel = Readonly<Record<string, Thresholds>>
export const ANY_MODEL = '*'
export const DEFAULT_MODEL = 'default'

export type Rule = {
  id: string
  title?: string | undefined
  /** Overrides the policy's templates. */
  templates?: string[] | undefined
  /** What the rule looks for, each a phrase that fills a template. */
  concepts: string[]
  /** What a picture may show instead: the concepts must beat it. */
  contrast: string[]
  score: ScoreKind
  /** Cosine of the background logit; the model's calibration when absent. */
  background?: number | undefined
  thresholds: ThresholdsByModel
}

export type PolicyTest = { image: string; expect: Action; rule?: string | undefined }

export type Policy = {
  id: string
  title: string
  description?: string | undefined
  /** What the model can and cannot see of this subject, in plain words, shown wherever the policy is. */
  limits?: string | undefined
  mode: Mode
  templates: string[]
  /** Absent: the whole picture only, the first and the middle frame. */
  views?: PolicyViews | undefined
  rules: Rule[]
  tests: PolicyTest[]
}

/** A policy as it was read: its file and its version, the SHA-256 of `canonicalPolicy`. */
export type LoadedPolicy = Policy & { file: string; version: string }

export type Problem = {
  severity: 'error' | 'warning'
  file: string
  /** 1-based. */
  line: number
  /** 1-based. */
  column: number
  message: string
}

/** The more severe of two actions. */
export function mostSevere(a: Action, b: Action): Action {
  return ACTIONS.indexOf(a) >= ACTIONS.indexOf(b) ? a : b
}

export function fillTemplate(template: string, phrase: string): string {
  return template.replaceAll('{}', phrase)
}

export function templatesOf(policy: Policy, rule: Rule): string[] {
  return rule.templates ?? policy.templates
}

/** Every text that must be embedded before `policy` can be compiled, without repeats. */
export function promptsOf(policy: Policy): string[] {
  const prompts = policy.rules.flatMap((rule) =>
    [...rule.concepts, ...rule.contrast].flatMap((phrase) =>
      templatesOf(policy, rule).map((template) => fillTemplate(template, phrase)),
    ),
  )
  return [...new Set(prompts)]
}

/** What a policy means, with nothing that only dresses it: key order, tests and prose do not change its version. */
export function canonicalPolicy(policy: Policy): string {
  const { id, mode, views, rules } = policy
  const meaning = rules.map((rule) => ({
    id: rule.id,
    templates: templatesOf(policy, rule),
    concepts: rule.concepts,
    contrast: rule.contrast,
    score: rule.score,
    background: rule.background,
    thresholds: Object.entries(rule.thresholds)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([model, { flag, reject }]) => [model, { flag, reject }]),
  }))
  return JSON.stringify({ id, mode, views: views && viewNames(views), rules: meaning })
}
