import type { CompiledRule, EmbeddedPhrase, ScoringModel } from './compile-policy.ts'
import { dot } from './vector.ts'

/**
 * Softmax over `logitScale · [concepts, contrasts, background]` (CLIP, section 3.1.2, with one more logit), given cosines.
 * Returns the concepts' share, in [0, 1]. Without contrasts and background it is 1.
 */
export function softmaxScore(concepts: number[], contrasts: number[], logitScale: number, background?: number): number {
  const others = background === undefined ? contrasts : [...contrasts, background]
  const highest = Math.max(...concepts, ...others)
  const mass = (cosines: number[]) => cosines.reduce((sum, c) => sum + Math.exp(logitScale * (c - highest)), 0)
  const wanted = mass(concepts)
  return wanted / (wanted + mass(others))
}

/** `sigmoid(logitScale · cos + logitBias)`, the largest over the concepts (SigLIP, section 3.2). In [0, 1]. */
export function sigmoidScore(concepts: number[], logitScale: number, logitBias: number): number {
  return 1 / (1 + Math.exp(-(logitScale * Math.max(...concepts) + logitBias)))
}

/** The largest concept cosine, in [−1, 1]. */
export function cosineScore(concepts: number[]): number {
  return Math.max(...concepts)
}

/** The largest concept cosine minus the largest contrast cosine, in [−2, 2]; without contrasts the cosine itself. */
export function marginScore(concepts: number[], contrasts: number[]): number {
  return Math.max(...concepts) - (contrasts.length > 0 ? Math.max(...contrasts) : 0)
}

/** What one view scores under one rule, and the two prompts that explain it. */
export type ViewScore = { score: number; concept: EmbeddedPhrase; contrast: EmbeddedPhrase | undefined }

/** Scores a view's unit embedding, shape [dim]. Throws RangeError where the model lacks what the score needs, or for a score that is no number. */
export function scoreView(rule: CompiledRule, view: Float32Array, model: ScoringModel): ViewScore {
  const concepts = rule.concepts.map(({ embedding }) => dot(view, embedding))
  const contrasts = rule.contrasts.map(({ embedding }) => dot(view, embedding))
  const score = scoreOf(rule, concepts, contrasts, model)
  if (!Number.isFinite(score)) throw new RangeError(`the score of rule ${rule.id} is ${score}`)
  return {
    score,
    concept: rule.concepts[indexOfMax(concepts)] as EmbeddedPhrase,
    contrast: rule.contrasts[indexOfMax(contrasts)],
  }
}

function scoreOf(rule: CompiledRule, concepts: number[], contrasts: number[], model: ScoringModel): number {
  switch (rule.score) {
    case 'softmax':
      return softmaxScore(concepts, contrasts, model.logitScale, rule.background)
    case 'sigmoid':
      if (model.logitBias === undefined) throw new RangeError(`model ${model.id} has no logit bias, which sigmoid needs`)
      return sigmoidScore(concepts, model.logitScale, model.logitBias)
    case 'cosine':
      return cosineScore(concepts)
    case 'margin':
      return marginScore(concepts, contrasts)
  }
}

function indexOfMax(values: number[]): number {
  return values.indexOf(Math.max(...values))
}
