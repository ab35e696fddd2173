import type { CompiledPolicy } from '../../core/domain/compile-policy.ts'
import type { Path } from '../../core/domain/parse-policy.ts'
import { dot } from '../../core/domain/vector.ts'

export type PolicyFinding = { severity: 'error' | 'warning'; at: Path; message: string }

/** PLACEHOLDER */
const CLOSE = 0.8

/** Warns of contrasts that mean nearly what a concept of their rule means: what shows the one shows the other, and the score falls. */
export function closeContrasts({ rules }: CompiledPolicy): PolicyFinding[] {
  return rules.flatMap(({ concepts, contrasts }, rule) =>
    contrasts.flatMap((contrast, index): PolicyFinding[] => {
      const [nearest] = concepts
        .map(({ phrase, embedding }) => ({ phrase, cosine: dot(embedding, contrast.embedding) }))
        .sort((a, b) => b.cosine - a.cosine)
      if (!nearest || nearest.cosine < CLOSE) return []
      const message = `the contrast "${contrast.phrase}" is close to the concept "${nearest.phrase}" (cosine ${nearest.cosine.toFixed(2)}) and takes its score away`
      return [{ severity: 'warning', at: ['rules', rule, 'contrast', index], message }]
    }),
  )
}
