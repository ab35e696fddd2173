import { spanOf } from '../overview/span-of.ts'
import type { PageProps } from '../page-props.ts'
import { ErrorNote } from '../parts/error-note.tsx'
import { SpanSwitch } from '../parts/span-switch.tsx'
import { useLoad } from '../parts/use-load.ts'
import { useTitle } from '../parts/use-title.ts'
import { ModeBadge } from '../policy/mode-badge.tsx'
import type { Policy, PolicyScores } from '../policy/policy.ts'
import { RecentMatches } from '../policy/recent-matches.tsx'
import { RulePanel } from '../policy/rule-panel.tsx'
import { VersionList } from '../policy/version-list.tsx'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'
import '../styles/charts.css'
import '../styles/figures.css'
import '../styles/admin.css'

/** What a policy looks for, what it cannot see, how uploads score under it, and what another threshold would do. */
export function PolicyPage({ params: { id = '' }, query }: PageProps) {
  const { api, router } = useShell()
  const span = spanOf(query.window)
  const path = `/policies/${encodeURIComponent(id)}`
  const policy = useLoad((signal) => api.get<Policy>(path, { signal }), [id])
  const scores = useLoad((signal) => api.get<PolicyScores>(`${path}/scores`, { query: { window: span }, signal }), [id, span])
  const known = policy.data.value
  useTitle(known?.title ?? id)
  return (
    <>
      <nav class="crumbs" aria-label={strings.policies.crumbs}>
        <a href={router.href('/policies')}>{strings.policies.title}</a>
      </nav>
      <header class="page-head">
        <div class="row">
          <h1>{known?.title ?? id}</h1>
          {known && <ModeBadge mode={known.mode} />}
        </div>
        <SpanSwitch span={span} />
      </header>
      {policy.error.value !== undefined && <ErrorNote error={policy.error.value} onRetry={policy.reload} />}
      {known && <About policy={known} />}
      {scores.error.value !== undefined && <ErrorNote error={scores.error.value} onRetry={scores.reload} />}
      {known?.rules.map((rule) => (
        <RulePanel
          key={rule.id}
          policy={known}
          rule={rule}
          scores={scores.data.value?.rules.find((each) => each.id === rule.id)}
          span={span}
        />
      ))}
      {known && <RecentMatches policyId={id} />}
      {known && <VersionList policyId={id} />}
    </>
  )
}

function About({ policy: { id, version, mode, views, description, limits } }: { policy: Policy }) {
  const text = strings.policies
  return (
    <section class="policy-about">
      <div>
        {description && <p>{description}</p>}
        <p class="dim">
          {text.modeMeans[mode]} {text.views(views)}
        </p>
        <p class="dim small">
          <code>{id}</code> · {text.version} <code>{version}</code>
        </p>
      </div>
      {limits && (
        <aside class="note warning" aria-labelledby="limits-title">
          <h2 id="limits-title">{text.limits}</h2>
          <p>{limits}</p>
        </aside>
      )}
    </section>
  )
}
