import type { Overview } from '../../../core/domain/overview.ts'
import { PolicyChart } from '../charts/policy-chart.tsx'
import { spanOf } from '../overview/span-of.ts'
import type { PageProps } from '../page-props.ts'
import { Badge } from '../parts/badge.tsx'
import { EmptyState } from '../parts/empty-state.tsx'
import { ErrorNote } from '../parts/error-note.tsx'
import { countText } from '../parts/format.ts'
import { shortHash } from '../parts/format-figures.ts'
import { SpanSwitch } from '../parts/span-switch.tsx'
import { useLoad } from '../parts/use-load.ts'
import { useTitle } from '../parts/use-title.ts'
import { ModeBadge } from '../policy/mode-badge.tsx'
import type { Policy } from '../policy/policy.ts'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'
import '../styles/charts.css'
import '../styles/figures.css'
import '../styles/admin.css'

/** The active policies, with what each has found lately. */
export function PoliciesPage({ query }: PageProps) {
  const { api } = useShell()
  const span = spanOf(query.window)
  useTitle(strings.policies.title)
  const policies = useLoad((signal) => api.get<{ items: Policy[] }>('/policies', { signal }), [])
  const overview = useLoad((signal) => api.get<Overview>('/overview', { query: { window: span }, signal }), [span])
  const outcomes = overview.data.value?.policies ?? []
  const max = Math.max(1, ...outcomes.flatMap(({ series }) => series.map(({ flag, reject }) => flag + reject)))
  const items = policies.data.value?.items
  return (
    <>
      <header class="page-head">
        <h1>{strings.policies.title}</h1>
        <SpanSwitch span={span} />
      </header>
      <p class="dim">{strings.policies.lead}</p>
      {policies.error.value !== undefined && <ErrorNote error={policies.error.value} onRetry={policies.reload} />}
      {overview.error.value !== undefined && <ErrorNote error={overview.error.value} onRetry={overview.reload} />}
      {items?.length === 0 && <EmptyState title={strings.policies.none}>{strings.policies.noneHint}</EmptyState>}
      <ul class="policy-list">
        {items?.map((policy) => (
          <li key={policy.id}>
            <PolicyCard policy={policy} outcomes={outcomes.find(({ id }) => id === policy.id)} max={max} />
          </li>
        ))}
      </ul>
    </>
  )
}

function PolicyCard({
  policy,
  outcomes,
  max,
}: {
  policy: Policy
  outcomes: Overview['policies'][number] | undefined
  max: number
}) {
  const { router } = useShell()
  const { id, title, description, version, mode, rules } = policy
  const text = strings.policies
  return (
    <article class="panel policy-card" data-mode={mode}>
      <h2>
        <a href={router.href(`/policies/${id}`)}>{title}</a>
      </h2>
      <p class="row">
        <ModeBadge mode={mode} />
        {rules.every(neverRejects) && <Badge>{text.flagsOnly}</Badge>}
        <span class="dim small">
          <code>{id}</code> · {text.rules(rules.length)} · {text.version} <code title={version}>{shortHash(version)}</code>
        </span>
      </p>
      {description && <p class="clamped">{description}</p>}
      {outcomes && (
        <div class="policy-card-found">
          <PolicyChart name={id} series={outcomes.series} max={max} />
          <p class="small">{strings.overview.found(countText(outcomes.flag), countText(outcomes.reject))}</p>
        </div>
      )}
    </article>
  )
}

function neverRejects({ thresholds }: Policy['rules'][number]): boolean {
  return Object.values(thresholds).every(({ reject }) => reject === undefined)
}
