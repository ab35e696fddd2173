import type { CompiledPolicy, EmbeddedPhrase } from '../../core/domain/compile-policy.ts'
import type { Path } from '../../core/domain/parse-policy.ts'
import { dot } from '../../core/domain/vector.ts'

/** A problem of a policy by the path of what it is about. */
export type Finding = { severity: 'error' | 'warning'; at: Path; message: string }

/**
 * On the way from the floor (0) to the very same text (1). Measured on the embedded model: the contrasts of the shipped policies, whose recall
 * is known to be good, lie at 0.57 ("a bottle of water" to "a bottle of beer") and below, "a kitten" to "a cat" at 0.65, "a pistol" to "a handgun" at 0.84.
 */
const CLOSE = 0.6

/**
 * Warns of contrasts that a picture of a concept is likely to show too, so that they take the concept's score away: those that mean nearly
 * the same, and those that a concept names (a person, in "a person holding a gun"). `floors` holds each rule's `textFloor`.
 */
export function closeContrasts({ rules }: CompiledPolicy, floors: number[]): Finding[] {
  return rules.flatMap(({ concepts, contrasts }, rule) =>
    contrasts.flatMap((contrast, index): Finding[] => {
      const why = whyClose(contrast, concepts, floors[rule] ?? 0)
      if (why === undefined) return []
      const message = `the contrast "${contrast.phrase}" ${why}: it takes the concept's score away`
      return [{ severity: 'warning', at: ['rules', rule, 'contrast', index], message }]
    }),
  )
}

function whyClose(contrast: EmbeddedPhrase, concepts: EmbeddedPhrase[], floor: number): string | undefined {
  const naming = concepts.find(({ phrase }) => names(phrase, contrast.phrase))
  if (naming) return `is named by the concept "${naming.phrase}"`
  const cosines = concepts.map(({ embedding }) => dot(embedding, contrast.embedding))
  const cosine = Math.max(...cosines)
  if ((cosine - floor) / (1 - floor) < CLOSE) return undefined
  const nearest = concepts[cosines.indexOf(cosine)]?.phrase
  return `is close to the concept "${nearest}" (cosine ${cosine.toFixed(2)}; unrelated phrases have ${floor.toFixed(2)})`
}

/** Whether the words of `part`, but for its article, stand in `whole`. */
function names(whole: string, part: string): boolean {
  const words = (text: string) => ` ${text.toLowerCase().split(/\W+/).join(' ')} `
  return words(whole).includes(words(part.replace(/^(an?|the|some)\s+/i, '')))
}
