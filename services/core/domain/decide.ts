import type { CompiledPolicy, CompiledRule, ScoringModel } from './compile-policy.ts'
import { type Action, type Mode, mostSevere, type Thresholds } from './policy.ts'
import { scoreView, type ViewScore } from './score.ts'
import { askedViews, likelyFrames, viewsFor } from './views.ts'

/** A view of an image (`full`, `on-black`, `tile-1-2`, `frame-12` …) and its unit embedding, shape [dim]. */
export type ViewEmbedding = { view: string; embedding: Float32Array }

/** What a rule made of an image, as it is stored and shown. An errored rule has no score, says why, and flags. */
export type RuleResult = {
  id: string
  action: Action
  matched: boolean
  score?: number
  /** The threshold that was reached, else the lowest that was not. */
  threshold?: number
  /** The concept's prompt that came nearest, and the nearest contrast's. */
  prompt?: string
  contrast?: string
  /** The view that scored highest. */
  view?: string
  error?: string
}

export type PolicyVerdict = { id: string; version: string; mode: Mode; action: Action; rules: RuleResult[] }

/** Applies every policy that is not off, to the views it asks for. Pure: the same views and policies give the same verdicts. `frames`: of the animation. */
export function applyPolicies(
  policies: CompiledPolicy[],
  views: ViewEmbedding[],
  model: ScoringModel,
  frames = likelyFrames(views, askedViews(policies).frames),
): PolicyVerdict[] {
  return policies
    .filter(({ mode }) => mode !== 'off')
    .map((policy) => {
      const { id, version, mode, rules } = policy
      const seen = viewsFor(policy, views, frames)
      const results = rules.map((rule) => applyRule(rule, seen, model))
      return { id, version, mode, action: mostSevereOf(results), rules: results }
    })
}

/** What an upload comes to: the most severe action of its enforced policies, and the ids of those that did not approve. */
export function outcomeOf(verdicts: PolicyVerdict[]): { action: Action; reasonCodes: string[] } {
  const enforced = verdicts.filter(({ mode }) => mode === 'enforce')
  const reasonCodes = enforced.filter(({ action }) => action !== 'approve').map(({ id }) => id)
  return { action: mostSevereOf(enforced), reasonCodes }
}

export function applyRule(rule: CompiledRule, views: ViewEmbedding[], model: ScoringModel): RuleResult {
  try {
    return verdictOf(rule, bestView(rule, views, model))
  } catch (error) {
    return { id: rule.id, action: 'flag', matched: false, error: error instanceof Error ? error.message : String(error) }
  }
}

function bestView(rule: CompiledRule, views: ViewEmbedding[], model: ScoringModel): ViewScore & { view: string } {
  const scored = views.map(({ view, embedding }) => ({ view, ...scoreView(rule, embedding, model) }))
  const [first, ...rest] = scored
  if (!first) throw new RangeError('the image has no views')
  return rest.reduce((best, next) => (next.score > best.score ? next : best), first)
}

function verdictOf(rule: CompiledRule, best: ViewScore & { view: string }): RuleResult {
  const judged = judgeScore(best.score, rule.thresholds)
  if (!judged) throw new RangeError(`rule ${rule.id} has no threshold for this model`)
  return {
    id: rule.id,
    action: judged.action,
    matched: judged.matched,
    score: best.score,
    threshold: judged.threshold,
    prompt: best.concept.prompt,
    ...(best.contrast && { contrast: best.contrast.prompt }),
    view: best.view,
  }
}

/** What a score comes to, and the threshold that it reached, else the lowest that it did not. undefined without any threshold. */
export function judgeScore(
  score: number,
  { flag, reject }: Thresholds,
): { action: Action; matched: boolean; threshold: number } | undefined {
  const lowest = flag ?? reject
  if (lowest === undefined) return undefined
  const rejected = reject !== undefined && score >= reject
  const matched = score >= lowest
  return { action: rejected ? 'reject' : matched ? 'flag' : 'approve', matched, threshold: rejected ? reject : lowest }
}

function mostSevereOf(results: { action: Action }[]): Action {
  return results.reduce<Action>((worst, { action }) => mostSevere(worst, action), 'approve')
}
