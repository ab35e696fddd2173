import type { CompiledPolicy, CompiledRule, ScoringModel } from '../../core/domain/compile-policy.ts'
import type { Finding } from './close-contrasts.ts'

/** Rules whose score says nothing, whatever the picture: each is an error. */
export function unusableScores({ rules }: CompiledPolicy, model: ScoringModel): Finding[] {
  return rules.flatMap((rule, index): Finding[] => {
    const why = whyUnusable(rule, model)
    return why === undefined ? [] : [{ severity: 'error', at: ['rules', index], message: `rule "${rule.id}": ${why}` }]
  })
}

function whyUnusable({ score, contrasts, background }: CompiledRule, { id, logitBias }: ScoringModel): string | undefined {
  if (score === 'sigmoid' && logitBias === undefined)
    return `the model "${id}" has no logit bias, which sigmoid needs: the rule would flag everything`
  if (score === 'softmax' && contrasts.length === 0 && background === undefined)
    return `without a contrast or a background its softmax is 1 for every picture, and the model "${id}" brings no background`
  return undefined
}
