import {
  ANY_MODEL,
  DEFAULT_MODEL,
  fillTemplate,
  type LoadedPolicy,
  type Policy,
  type Rule,
  type ScoreKind,
  type Thresholds,
  templatesOf,
} from './policy.ts'
import { meanDirection } from './vector.ts'

/** What scoring needs to know of a model. Scales and cosines are those of unit embeddings. */
export type ScoringModel = {
  id: string
  /** SHA-256 over the model's files. */
  revision: string
  logitScale: number
  /** SigLIP's; without it `sigmoid` rules error. */
  logitBias?: number | undefined
  /** Cosine of the background logit of `softmax`; a model without one has none. */
  backgroundCosine?: number | undefined
}

/** A phrase and its prompt (the first template, filled), with its unit embedding, shape [dim]. */
export type EmbeddedPhrase = { phrase: string; prompt: string; embedding: Float32Array }

export type CompiledRule = {
  id: string
  score: ScoreKind
  concepts: EmbeddedPhrase[]
  contrasts: EmbeddedPhrase[]
  background?: number | undefined
  thresholds: Thresholds
}

export type CompiledPolicy = Pick<LoadedPolicy, 'id' | 'title' | 'version' | 'mode' | 'views'> & { rules: CompiledRule[] }

/** The thresholds that `rule` has for a model, or undefined when its map names neither the model nor a default. */
export function thresholdsFor(rule: Rule, modelId: string): Thresholds | undefined {
  const own = (id: string) => (Object.hasOwn(rule.thresholds, id) ? rule.thresholds[id] : undefined)
  return own(modelId) ?? own(DEFAULT_MODEL) ?? own(ANY_MODEL)
}

/** The thresholds that a rule has for the model of stored decisions, or for any model while there are none. */
export function currentThresholds(rule: Rule, modelId: string | undefined): Thresholds {
  return thresholdsFor(rule, modelId ?? DEFAULT_MODEL) ?? {}
}

/**
 * Binds a policy to a model. `texts` holds the unit embedding of each of `promptsOf(policy)`.
 * A rule without thresholds for the model gets none here, and errors when it is scored.
 * Throws RangeError when a text is missing.
 */
export function compilePolicy(
  policy: LoadedPolicy,
  model: ScoringModel,
  texts: ReadonlyMap<string, Float32Array>,
): CompiledPolicy {
  const { id, title, version, mode, views } = policy
  const rules = policy.rules.map((rule): CompiledRule => {
    const embed = (phrase: string) => embedPhrase(policy, rule, phrase, texts)
    return {
      id: rule.id,
      score: rule.score,
      concepts: rule.concepts.map(embed),
      contrasts: rule.contrast.map(embed),
      background: rule.background ?? model.backgroundCosine,
      thresholds: thresholdsFor(rule, model.id) ?? {},
    }
  })
  return { id, title, version, mode, ...(views && { views }), rules }
}

function embedPhrase(policy: Policy, rule: Rule, phrase: string, texts: ReadonlyMap<string, Float32Array>): EmbeddedPhrase {
  const prompts = templatesOf(policy, rule).map((template) => fillTemplate(template, phrase))
  const embeddings = prompts.map((prompt) => {
    const embedding = texts.get(prompt)
    if (!embedding) throw new RangeError(`no text embedding for ${JSON.stringify(prompt)}`)
    return embedding
  })
  return { phrase, prompt: prompts[0] as string, embedding: meanDirection(embeddings) }
}
