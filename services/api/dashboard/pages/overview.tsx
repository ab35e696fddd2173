import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { Overview } from '../../../core/domain/overview.ts'
import { DecisionsChart } from '../charts/decisions-chart.tsx'
import { followOverview } from '../overview/follow-overview.ts'
import { PolicyMultiples } from '../overview/policy-multiples.tsx'
import { ReviewFigures } from '../overview/review-figures.tsx'
import { spanOf } from '../overview/span-of.ts'
import { UploadFigures } from '../overview/upload-figures.tsx'
import type { PageProps } from '../page-props.ts'
import { ErrorNote } from '../parts/error-note.tsx'
import { SpanSwitch } from '../parts/span-switch.tsx'
import { useTitle } from '../parts/use-title.ts'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'
import '../styles/charts.css'
import '../styles/figures.css'

/** What came in, what became of it and what waits for people, live. */
export function OverviewPage({ query }: PageProps) {
  const { api, feed } = useShell()
  const span = spanOf(query.window)
  const overview = useSignal<Overview | undefined>(undefined)
  const error = useSignal<unknown>(undefined)
  useTitle(strings.overview.title)
  useEffect(() => followOverview({ api, feed, span, overview, error }), [api, feed, span, overview, error])
  return (
    <>
      <header class="page-head">
        <h1>{strings.overview.title}</h1>
        <SpanSwitch span={span} />
      </header>
      {error.value !== undefined && <ErrorNote title={strings.overview.failed} error={error.value} />}
      {overview.value ? <Figures overview={overview.value} /> : <p class="dim">{strings.app.loading}</p>}
    </>
  )
}

function Figures({ overview }: { overview: Overview }) {
  const { series, bucket_seconds, window, sampled } = overview
  return (
    <div class="overview">
      {sampled && <p class="note">{strings.overview.sampled}</p>}
      <UploadFigures overview={overview} />
      <section class="panel">
        <DecisionsChart series={series} bucketSeconds={bucket_seconds} span={strings.overview.spans[window].long} />
      </section>
      <PolicyMultiples policies={overview.policies} />
      <ReviewFigures reviews={overview.reviews} />
    </div>
  )
}
