import type { Overview } from '../../../core/domain/overview.ts'
import { Sparkline } from '../charts/sparkline.tsx'
import { sumOf } from '../charts/stack-bars.ts'
import { Figure } from '../parts/figure.tsx'
import { countText } from '../parts/format.ts'
import { durationText, latencyText, rateOf, shareText } from '../parts/format-figures.ts'
import { strings } from '../strings.ts'

/** What came in, what the machine made of it, and how long that took. */
export function UploadFigures({ overview }: { overview: Overview }) {
  const { totals, pending, latency_ms: latency, throughput_per_minute, series } = overview
  const text = strings.overview
  const rate = rateOf(throughput_per_minute)
  return (
    <dl class="figures">
      <Figure label={text.received} value={countText(totals.received)} note={text.rate[rate.unit](rate.count)}>
        <Sparkline values={series.map(sumOf)} />
      </Figure>
      {(['approve', 'flag', 'reject'] as const).map((action) => (
        <Figure
          key={action}
          tone={action}
          label={strings.actions[action]}
          value={countText(totals[action])}
          note={text.share(shareText(totals[action], totals.decided))}
        />
      ))}
      <Figure label={text.undecodable} value={countText(totals.undecodable)} note={text.undecodableNote} />
      <Figure
        label={text.pending}
        value={countText(pending.count)}
        note={pending.count === 0 ? text.nothingWaits : text.oldest(durationText(pending.oldest_seconds ?? 0))}
      />
      <Figure
        label={text.latency}
        value={latency.p50 === undefined ? '–' : latencyText(latency.p50)}
        note={latency.p95 !== undefined && text.latencyNote(latencyText(latency.p95))}
      />
    </dl>
  )
}
