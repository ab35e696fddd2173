import type { CompiledPolicy, CompiledRule, EmbeddedPhrase, ScoringModel } from './compile-policy.ts'
import { applyRule, type PolicyVerdict, type RuleResult, type ViewEmbedding } from './decide.ts'
import { type Action, type Mode, mostSevere, type ScoreKind } from './policy.ts'
import { dot } from './vector.ts'
import { askedViews, likelyFrames, viewsFor } from './views.ts'

/** How near an image is to a phrase, and the phrase's part in the score: see `sharesOf`. */
export type PhraseShare = { text: string; cosine: number; share: number }

/** Fractions of the picture as it is shown. */
export type Box = { left: number; top: number; width: number; height: number }

/** How much of the evidence (see `evidenceOf`) lies in each place, row by row, by hiding it and by showing it alone; below 0 where a place speaks against the rule. */
export type HeatMap = { columns: number; rows: number; values: number[]; box: Box }

/** Why a rule scored as it did. Without a `score` it errored, and has no phrases. */
export type ExplainedRule = Pick<RuleResult, 'id' | 'matched' | 'score' | 'threshold' | 'view' | 'error'> & {
  kind: ScoreKind
  concepts: PhraseShare[]
  contrasts: PhraseShare[]
  background?: { cosine: number; share: number }
  heat_map?: HeatMap
}

export type ExplainedPolicy = { id: string; version: string; mode: Mode; action: Action; rules: ExplainedRule[] }

export type Explanation = {
  upload_id: string
  model: { id: string; revision: string }
  method: 'occlusion'
  computed_at: string
  /** Whether this model and these versions of the policies are those that decided. */
  as_decided: boolean
  policies: ExplainedPolicy[]
}

/** By what an explanation is made, in one text: the same versions give the same, in whatever order. */
export function policyVersionsText(policies: Pick<CompiledPolicy, 'id' | 'version' | 'mode'>[]): string {
  const active = policies.filter(({ mode }) => mode !== 'off').map(({ id, version }) => `${id}@${version}`)
  return active.sort().join(' ')
}

/** Explains what `applyPolicies` makes of the same views; `heatOf` gives the heat map of a rule's best view, where there is one. `frames`: of the animation. */
export function explainPolicies(
  policies: CompiledPolicy[],
  views: ViewEmbedding[],
  model: ScoringModel,
  heatOf: (rule: CompiledRule, view: string) => HeatMap | undefined = () => undefined,
  frames = likelyFrames(views, askedViews(policies).frames),
): ExplainedPolicy[] {
  return policies
    .filter(({ mode }) => mode !== 'off')
    .map((policy) => {
      const { id, version, mode, rules } = policy
      const seen = viewsFor(policy, views, frames)
      const results = rules.map((rule) => ({ rule, result: applyRule(rule, seen, model) }))
      const action = results.reduce<PolicyVerdict['action']>((worst, { result }) => mostSevere(worst, result.action), 'approve')
      const explained = results.map(({ rule, result }) => explainRule(rule, result, views, model, heatOf))
      return { id, version, mode, action, rules: explained }
    })
}

function explainRule(
  rule: CompiledRule,
  { id, matched, score, threshold, view, error }: RuleResult,
  views: ViewEmbedding[],
  model: ScoringModel,
  heatOf: (rule: CompiledRule, view: string) => HeatMap | undefined,
): ExplainedRule {
  const best = views.find((each) => each.view === view)
  if (!best) return { id, kind: rule.score, matched, ...(error !== undefined && { error }), concepts: [], contrasts: [] }
  const heat = heatOf(rule, best.view)
  return {
    id,
    kind: rule.score,
    ...(score !== undefined && { score }),
    ...(threshold !== undefined && { threshold }),
    matched,
    view: best.view,
    ...sharesOf(rule, best.embedding, model),
    ...(heat && { heat_map: heat }),
  }
}

/**
 * The cosine of each phrase with a view's unit embedding, shape [dim], and its share, in [0, 1]: under `softmax` its part of the softmax, so that the concepts'
 * sum to the score; under `sigmoid` its own sigmoid, the largest concept's being the score. `cosine` and `margin` share nothing out: there it is the softmax
 * over concepts and contrasts, which only compares them. Throws RangeError for `sigmoid` under a model without a logit bias.
 */
export function sharesOf(
  rule: CompiledRule,
  view: Float32Array,
  model: ScoringModel,
): Pick<ExplainedRule, 'concepts' | 'contrasts' | 'background'> {
  const cosine = ({ embedding }: EmbeddedPhrase) => dot(view, embedding)
  const background = rule.score === 'softmax' ? rule.background : undefined
  const share = shareAmong([...rule.concepts, ...rule.contrasts].map(cosine), rule.score, background, model)
  const show = (phrase: EmbeddedPhrase): PhraseShare => ({
    text: phrase.phrase,
    cosine: cosine(phrase),
    share: share(cosine(phrase)),
  })
  return {
    concepts: rule.concepts.map(show),
    contrasts: rule.contrasts.map(show),
    ...(background !== undefined && { background: { cosine: background, share: share(background) } }),
  }
}

function shareAmong(cosines: number[], kind: ScoreKind, background: number | undefined, model: ScoringModel) {
  const { logitScale, logitBias } = model
  if (kind === 'sigmoid') {
    if (logitBias === undefined) throw new RangeError(`model ${model.id} has no logit bias, which sigmoid needs`)
    return (cosine: number) => 1 / (1 + Math.exp(-(logitScale * cosine + logitBias)))
  }
  const all = background === undefined ? cosines : [...cosines, background]
  const total = logSumExp(all, logitScale)
  return (cosine: number) => Math.exp(logitScale * cosine - total)
}

/**
 * What a heat map compares before and after a place is hidden: the score, but of `softmax` and `sigmoid` its log-odds. Probabilities near 1 hardly fall when half
 * of the evidence is gone, and so would show nothing; log-odds do. A `softmax` against nothing is always 1: there it is the largest concept cosine.
 */
export function evidenceOf(rule: CompiledRule, view: Float32Array, { logitScale, logitBias = 0 }: ScoringModel): number {
  const concepts = rule.concepts.map(({ embedding }) => dot(view, embedding))
  const contrasts = rule.contrasts.map(({ embedding }) => dot(view, embedding))
  const largest = Math.max(...concepts)
  switch (rule.score) {
    case 'softmax': {
      const others = rule.background === undefined ? contrasts : [...contrasts, rule.background]
      return others.length === 0 ? largest : logSumExp(concepts, logitScale) - logSumExp(others, logitScale)
    }
    case 'sigmoid':
      return logitScale * largest + logitBias
    case 'cosine':
      return largest
    case 'margin':
      return largest - (contrasts.length > 0 ? Math.max(...contrasts) : 0)
  }
}

function logSumExp(cosines: number[], logitScale: number): number {
  const highest = Math.max(...cosines)
  return logitScale * highest + Math.log(cosines.reduce((sum, c) => sum + Math.exp(logitScale * (c - highest)), 0))
}
