import type { RuleResult } from '../../../core/domain/decide.ts'
import type { Decision } from '../../../core/domain/decision.ts'
import { rulesOf, tellingRule } from '../../../core/domain/telling-rule.ts'
import { Badge } from '../parts/badge.tsx'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'
import type { PolicyText } from './policy-texts.ts'
import { ScoreMeter } from './score-meter.tsx'

type Told = RuleResult & { policy: string }

/** The rule that says most, whole; then every other, shortly. */
export function RuleFacts({ decision, policies }: { decision: Decision; policies: PolicyText[] }) {
  const enforced = decision.policies.filter(({ mode }) => mode === 'enforce')
  const telling = tellingRule(rulesOf(enforced)) ?? tellingRule(rulesOf(decision.policies))
  const others = decision.policies
    .flatMap((policy) => policy.rules.map((rule) => ({ ...rule, policy: policy.id, shadow: policy.mode === 'shadow' })))
    .filter((rule) => rule.policy !== telling?.policy || rule.id !== telling.id)
    .toSorted((a, b) => (b.score ?? 2) - (a.score ?? 2))
  return (
    <>
      {telling && <TellingRule rule={telling} policy={policies.find(({ id }) => id === telling.policy)} />}
      {decision.detail && <p class="note warning">{decision.detail}</p>}
      {others.length > 0 && (
        <section class="panel">
          <h2>{strings.review.otherRules}</h2>
          <ul class="rule-list">
            {others.map((rule) => (
              <li key={`${rule.policy}/${rule.id}`}>
                <span class="rule-name">
                  {rule.policy}/{rule.id} {rule.shadow && <Badge>{strings.review.shadow}</Badge>}
                </span>
                <RuleScore rule={rule} compact />
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  )
}

function TellingRule({ rule, policy }: { rule: Told; policy: PolicyText | undefined }) {
  const { router } = useShell()
  return (
    <section class="panel telling-rule">
      <h2>
        <a href={router.href(`/policies/${encodeURIComponent(rule.policy)}`)}>{policy?.title ?? rule.policy}</a>
      </h2>
      <p class="dim small mono">
        {rule.policy}/{rule.id}
      </p>
      <RuleScore rule={rule} />
      {rule.prompt && (
        <p class="prompts">
          <q>{rule.prompt}</q>
          {rule.contrast && (
            <>
              {` ${strings.review.ratherThan} `}
              <q>{rule.contrast}</q>
            </>
          )}
          {rule.view && rule.view !== 'full' && <span class="dim">{` ${strings.review.inView(rule.view)}`}</span>}
        </p>
      )}
      {policy?.limits && (
        <details class="small">
          <summary>{strings.review.limits}</summary>
          <p class="dim">{policy.limits}</p>
        </details>
      )}
    </section>
  )
}

function RuleScore({ rule, compact = false }: { rule: RuleResult; compact?: boolean }) {
  if (rule.score === undefined) return <p class="dim small">{rule.error ?? strings.review.noScore}</p>
  return <ScoreMeter score={rule.score} threshold={rule.threshold} matched={rule.matched} compact={compact} />
}
