import { useSignal } from '@preact/signals'
import { type ExplainedRule, explainedRules } from './explained-rules.ts'
import type { ExplanationLoad, Explanations } from './explanations.ts'

export type ShownExplanation = {
  /** Whether somebody wants to see it. */
  wanted: boolean
  flip(): void
  /** undefined while nobody wants it. */
  load: ExplanationLoad | undefined
  /** The one that was chosen, else the first. */
  rule: ExplainedRule | undefined
  choose(key: string): void
  /** Asks for it again. */
  retry(): void
}

/** An upload's explanation, asked for when somebody wants to see it, and the rule of it that is looked at. */
export function useExplanation(explanations: Explanations, uploadId: string): ShownExplanation {
  const wanted = useSignal(false)
  const chosen = useSignal<string | undefined>(undefined)
  const load = wanted.value ? explanations.of(uploadId) : undefined
  const found = load?.found.value
  const rules = found ? explainedRules(found) : []
  return {
    wanted: wanted.value,
    flip() {
      wanted.value = !wanted.value
    },
    load,
    rule: rules.find(({ key }) => key === chosen.value) ?? rules[0],
    choose(key) {
      chosen.value = key
    },
    retry() {
      explanations.forget(uploadId)
      wanted.value = false
      wanted.value = true
    },
  }
}
