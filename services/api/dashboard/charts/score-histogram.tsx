import { useId } from 'preact/hooks'
import type { Action, Thresholds } from '../../../core/domain/policy.ts'
import { countText } from '../parts/format.ts'
import { thresholdText } from '../parts/format-figures.ts'
import { strings } from '../strings.ts'
import { ActionPatterns, fillOf } from './action-patterns.tsx'
import { ChartFigure } from './chart-figure.tsx'
import { powerShare, powerTicks } from './scale.ts'
import { useWidth } from './use-width.ts'

const HEIGHT = 190
/** Two lines of labels for the thresholds. */
const TOP = 34
/** charts.css gives the sliders below the plot the same margin. */
const LEFT = 44
const RIGHT = 8
const BOTTOM = 24

export type ScoreBucket = { from: number; to: number; count: number }

/**
 * How often a rule gave which score, on a scale of powers of ten, since nearly all uploads score near nothing. Solid lines stand at the thresholds
 * that are in force; bars are filled as `proposed` would act, with a dashed line where it differs.
 */
export function ScoreHistogram({
  title,
  note,
  buckets,
  thresholds,
  proposed = thresholds,
}: {
  title: string
  note: string
  buckets: ScoreBucket[]
  thresholds: Thresholds
  proposed?: Thresholds
}) {
  const [box, width] = useWidth<HTMLDivElement>()
  return (
    <ChartFigure
      title={title}
      legend={<p class="dim small">{note}</p>}
      table={{
        columns: [strings.charts.score, strings.charts.uploads],
        rows: () => buckets.map(({ from, to, count }) => [`${thresholdText(from)} – ${thresholdText(to)}`, count]),
      }}
    >
      <div class="chart-box" ref={box}>
        {width > LEFT && <Plot buckets={buckets} thresholds={thresholds} proposed={proposed} width={width} />}
      </div>
    </ChartFigure>
  )
}

type PlotProps = { buckets: ScoreBucket[]; thresholds: Thresholds; proposed: Thresholds; width: number }

function Plot({ buckets, thresholds, proposed, width }: PlotProps) {
  const prefix = useId()
  const plot = { width: width - LEFT - RIGHT, height: HEIGHT - TOP - BOTTOM }
  const { from, to } = rangeOf(buckets)
  const x = (score: number) => Math.round(Math.min(1, Math.max(0, (score - from) / (to - from))) * plot.width)
  const max = Math.max(1, ...buckets.map(({ count }) => count))
  const y = (count: number) => Math.round(plot.height * (1 - powerShare(count, max)))
  const bars = buckets
    .filter(({ count }) => count > 0)
    .map((bucket) => {
      const left = x(bucket.from)
      const wide = Math.max(1, x(bucket.to) - left - 1)
      const tall = Math.max(2, plot.height - y(bucket.count))
      return `M${left} ${plot.height}h${wide}v${-tall}h${-wide}z`
    })
    .join('')
  return (
    <svg role="img" aria-label={summaryOf(buckets, thresholds)} width={width} height={HEIGHT} viewBox={`0 0 ${width} ${HEIGHT}`}>
      <ActionPatterns prefix={prefix} />
      <g transform={`translate(${LEFT} ${TOP})`}>
        {powerTicks(max).map((count) => (
          <g key={count}>
            <line class={count === 0 ? 'axis' : 'grid'} x1="0" x2={plot.width} y1={y(count) + 0.5} y2={y(count) + 0.5} />
            <text class="tick" x="-8" y={y(count) + 4} text-anchor="end">
              {countText(count)}
            </text>
          </g>
        ))}
        {zonesOf(proposed, { from, to }).map((zone) => (
          <g key={zone.action}>
            <clipPath id={`${prefix}-zone-${zone.action}`}>
              <rect x={x(zone.from)} y={-TOP} width={Math.max(0, x(zone.to) - x(zone.from))} height={HEIGHT} />
            </clipPath>
            <path class="bars" d={bars} fill={fillOf(prefix, zone.action)} clip-path={`url(#${prefix}-zone-${zone.action})`} />
          </g>
        ))}
        {(['flag', 'reject'] as const).map((action, row) => (
          <ThresholdLines
            key={action}
            action={action}
            row={row}
            now={thresholds[action]}
            then={proposed[action]}
            x={x}
            plot={plot}
          />
        ))}
        {[0, 0.25, 0.5, 0.75, 1].map((share) => (
          <text key={share} class="tick" x={share * plot.width} y={plot.height + 18} text-anchor={anchorOf(share)}>
            {thresholdText(from + share * (to - from))}
          </text>
        ))}
      </g>
    </svg>
  )
}

type LineProps = {
  action: 'flag' | 'reject'
  row: number
  now: number | undefined
  then: number | undefined
  x: (score: number) => number
  plot: { width: number; height: number }
}

function ThresholdLines({ action, row, now, then, x, plot }: LineProps) {
  const top = row * 16 - TOP + 14
  const lines = [
    { kind: 'now', at: now },
    { kind: 'then', at: then === now ? undefined : then },
  ]
  const named = then ?? now
  return (
    <g class={`threshold-lines ${action}`}>
      {lines.map(
        ({ kind, at }) =>
          at !== undefined && <line key={kind} class={kind} x1={x(at) + 0.5} x2={x(at) + 0.5} y1={top - 8} y2={plot.height} />,
      )}
      {named !== undefined && (
        <text
          x={x(named) > plot.width / 2 ? x(named) - 6 : x(named) + 7}
          y={top}
          text-anchor={x(named) > plot.width / 2 ? 'end' : 'start'}
        >
          {strings.charts.threshold[action](thresholdText(named))}
        </text>
      )}
    </g>
  )
}

/** Which part of the scores is met by which action. */
function zonesOf(
  { flag, reject }: Thresholds,
  { from, to }: { from: number; to: number },
): { action: Action; from: number; to: number }[] {
  const rejectFrom = reject ?? to
  const flagFrom = Math.min(flag ?? rejectFrom, rejectFrom)
  return [
    { action: 'approve', from, to: flagFrom },
    { action: 'flag', from: flagFrom, to: rejectFrom },
    { action: 'reject', from: rejectFrom, to },
  ]
}

function rangeOf(buckets: ScoreBucket[]): { from: number; to: number } {
  const from = buckets[0]?.from ?? 0
  const to = buckets.at(-1)?.to ?? 1
  return to > from ? { from, to } : { from, to: from + 1 }
}

function anchorOf(share: number): 'start' | 'middle' | 'end' {
  if (share === 0) return 'start'
  return share === 1 ? 'end' : 'middle'
}

function summaryOf(buckets: ScoreBucket[], thresholds: Thresholds): string {
  const total = buckets.reduce((sum, { count }) => sum + count, 0)
  const lines = (['flag', 'reject'] as const).flatMap((action) => {
    const at = thresholds[action]
    return at === undefined ? [] : [strings.charts.threshold[action](thresholdText(at))]
  })
  return strings.charts.histogramSummary(countText(total), lines.join(', '))
}
