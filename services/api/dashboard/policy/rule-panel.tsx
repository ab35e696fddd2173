import { useSignal } from '@preact/signals'
import type { OverviewWindow } from '../../../core/domain/overview-span.ts'
import type { Thresholds } from '../../../core/domain/policy.ts'
import { ScoreHistogram } from '../charts/score-histogram.tsx'
import { thresholdText } from '../parts/format-figures.ts'
import { strings } from '../strings.ts'
import type { Policy, PolicyRule, RuleScores } from './policy.ts'
import { ThresholdSliders } from './threshold-sliders.tsx'
import { WhatIfResult } from './what-if-result.tsx'

/** A rule: its prompts, how uploads scored under it, and a place to try other thresholds, which changes nothing. */
export function RulePanel({
  policy,
  rule,
  scores,
  span,
}: {
  policy: Policy
  rule: PolicyRule
  scores: RuleScores | undefined
  span: OverviewWindow
}) {
  const proposed = useSignal<Thresholds | undefined>(undefined)
  const titleId = `rule-${rule.id}`
  return (
    <section class="panel rule" aria-labelledby={titleId}>
      <h2 id={titleId}>{strings.policies.rule(rule.title ?? rule.id)}</h2>
      <Prompts rule={rule} />
      {scores?.total === 0 && <p class="dim">{strings.policies.noScores}</p>}
      {scores && scores.total > 0 && (
        <div class="rule-scores">
          <ScoreHistogram
            title={strings.policies.histogram}
            note={strings.policies.powers}
            buckets={scores.buckets}
            thresholds={scores.thresholds}
            proposed={proposed.value ?? scores.thresholds}
          />
          <ThresholdSliders scores={scores} proposed={proposed} />
          <WhatIfResult policyId={policy.id} ruleId={rule.id} thresholds={proposed.value ?? scores.thresholds} span={span} />
        </div>
      )}
    </section>
  )
}

function Prompts({ rule: { concepts, contrast, templates, score, background, thresholds } }: { rule: PolicyRule }) {
  const text = strings.policies
  return (
    <dl class="rule-prompts">
      <dt>{text.concepts}</dt>
      <dd>
        <Phrases phrases={concepts} />
      </dd>
      {contrast.length > 0 && (
        <>
          <dt>{text.contrast}</dt>
          <dd>
            <Phrases phrases={contrast} />
          </dd>
        </>
      )}
      <dt>{text.templates}</dt>
      <dd>
        <Phrases phrases={templates} />
      </dd>
      <dt>{text.scoring}</dt>
      <dd>
        {text.kinds[score]}
        {background !== undefined && ` · ${text.background(thresholdText(background))}`}
      </dd>
      <dt>{text.thresholds}</dt>
      <dd>
        {Object.entries(thresholds).map(([model, pair]) => (
          <p key={model}>
            {text.thresholdPair(textOf(pair.flag), textOf(pair.reject))}
            {model !== '*' && <span class="dim"> {model === 'default' ? text.otherModels : text.forModel(model)}</span>}
          </p>
        ))}
      </dd>
    </dl>
  )
}

function Phrases({ phrases }: { phrases: string[] }) {
  return (
    <ul class="phrases">
      {phrases.map((phrase) => (
        <li key={phrase}>{phrase}</li>
      ))}
    </ul>
  )
}

function textOf(threshold: number | undefined): string | undefined {
  return threshold === undefined ? undefined : thresholdText(threshold)
}
