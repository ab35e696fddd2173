import { fillTemplate } from '../../core/domain/policy.ts'
import { dot, meanDirection } from '../../core/domain/vector.ts'

/** Things that have nothing to do with one another, nor with what is moderated. */
const UNRELATED = ['a chair', 'a river', 'a sandwich', 'a violin', 'a bicycle', 'a newspaper', 'a window', 'a tree']

/** The texts that `textFloor` needs for some templates. */
export function floorTexts(templates: string[]): string[] {
  return UNRELATED.flatMap((phrase) => templates.map((template) => fillTemplate(template, phrase)))
}

/**
 * The cosine that phrases have for a model when only their templates are alike, in [−1, 1]: the mean over pairs of unrelated things.
 * For the embedded model it is 0.43 for bare phrases and 0.73 in a long sentence; other models crowd their texts otherwise.
 */
export function textFloor(templates: string[], texts: ReadonlyMap<string, Float32Array>): number {
  const phrases = UNRELATED.map((phrase) =>
    meanDirection(templates.map((template) => texts.get(fillTemplate(template, phrase)) as Float32Array)),
  )
  const cosines = phrases.flatMap((a, index) => phrases.slice(index + 1).map((b) => dot(a, b)))
  return cosines.reduce((sum, cosine) => sum + cosine, 0) / cosines.length
}
