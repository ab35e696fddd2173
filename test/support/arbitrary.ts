import fc from 'fast-check'
import type { CompiledPolicy, CompiledRule, EmbeddedPhrase, ScoringModel } from '../../services/core/domain/compile-policy.ts'
import type { ViewEmbedding } from '../../services/core/domain/decide.ts'
import { MODES, SCORE_KINDS } from '../../services/core/domain/policy.ts'
import { normalise } from '../../services/core/domain/vector.ts'

/** What property tests draw from: rules, policies and images as scoring sees them, in 4 dimensions. */
const DIM = 4

export const cosine = fc.double({ min: -1, max: 1, noNaN: true })
export const cosines = fc.array(cosine, { minLength: 1, maxLength: 5 })
export const share = fc.double({ min: 0, max: 1, noNaN: true })

export const unitVector = fc
  .array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: DIM, maxLength: DIM })
  .map((values) => normalise(Float32Array.from(values)))
  .filter((vector) => vector.some((value) => value !== 0))

export const views: fc.Arbitrary<ViewEmbedding[]> = fc
  .array(unitVector, { minLength: 1, maxLength: 3 })
  .map((embeddings) => embeddings.map((embedding, index) => ({ view: `view-${index}`, embedding })))

const phrase: fc.Arbitrary<EmbeddedPhrase> = fc
  .tuple(fc.string({ minLength: 1 }), unitVector)
  .map(([text, embedding]) => ({ phrase: text, prompt: `a photo of ${text}.`, embedding }))

const thresholds = fc
  .uniqueArray(share, { minLength: 1, maxLength: 2 })
  .map((values) => values.sort((a, b) => a - b))
  .map(([flag, reject]) => ({ flag, reject }))

export const rule: fc.Arbitrary<CompiledRule> = fc.record({
  id: fc.uuid(),
  score: fc.constantFrom(...SCORE_KINDS),
  concepts: fc.array(phrase, { minLength: 1, maxLength: 3 }),
  contrasts: fc.array(phrase, { maxLength: 3 }),
  background: fc.option(cosine, { nil: undefined }),
  thresholds,
})

export const policy: fc.Arbitrary<CompiledPolicy> = fc.record({
  id: fc.uuid(),
  title: fc.string(),
  version: fc.uuid(),
  mode: fc.constantFrom(...MODES),
  rules: fc.array(rule, { minLength: 1, maxLength: 3 }),
})

export const model: ScoringModel = { id: 'embedded', revision: 'r1', logitScale: 100, logitBias: -10 }
