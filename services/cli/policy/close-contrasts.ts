import type { CompiledPolicy } from '../../core/domain/compile-policy.ts'
import type { Path } from '../../core/domain/parse-policy.ts'
import { dot } from '../../core/domain/vector.ts'

/** A problem of a policy by the path of what it is about. */
export type Finding = { severity: 'error' | 'warning'; at: Path; message: string }

/**
 * On the way from the floor (0) to the same text (1). PLACEHOLDER
 */
const CLOSE = 0.6

/**
 * Warns of contrasts that mean nearly what a concept of their rule means: what shows the one shows the other, and the concept's score falls.
 * `floors` holds each rule's `textFloor`.
 */
export function closeContrasts({ rules }: CompiledPolicy, floors: number[]): Finding[] {
  return rules.flatMap(({ concepts, contrasts }, rule) =>
    contrasts.flatMap((contrast, index): Finding[] => {
      const cosines = concepts.map(({ embedding }) => dot(embedding, contrast.embedding))
      const cosine = Math.max(...cosines)
      const floor = floors[rule] ?? 0
      if ((cosine - floor) / (1 - floor) < CLOSE) return []
      const concept = concepts[cosines.indexOf(cosine)]
      const message = `the contrast "${contrast.phrase}" is close to the concept "${concept?.phrase}" (cosine ${cosine.toFixed(2)}; unrelated phrases have ${floor.toFixed(2)}): it takes the concept's score away`
      return [{ severity: 'warning', at: ['rules', rule, 'contrast', index], message }]
    }),
  )
}
