import { useId, useState } from 'preact/hooks'
import type { Action } from '../../../core/domain/policy.ts'
import { countText } from '../parts/format.ts'
import { strings } from '../strings.ts'
import { ActionPatterns, fillOf, Swatch } from './action-patterns.tsx'
import { ChartFigure } from './chart-figure.tsx'
import { spanText, tickText } from './format-time.ts'
import { barPlace, countTicks } from './scale.ts'
import { type Counts, STACK, stackBars, sumOf, totalsOf } from './stack-bars.ts'
import { timeTicks } from './time-ticks.ts'
import { useWidth } from './use-width.ts'

const HEIGHT = 200
const TOP = 8
/** Of the axes; charts.css lays the invisible slider over the plot by the same numbers. */
const LEFT = 44
const BOTTOM = 24

export type DecisionBucket = Required<Counts> & { at: string }

/** Decisions over time, stacked by action. Pointing at a moment, or moving the slider that lies over the plot, reads its numbers. */
export function DecisionsChart({
  series,
  bucketSeconds,
  span,
}: {
  series: DecisionBucket[]
  bucketSeconds: number
  span: string
}) {
  const [box, width] = useWidth<HTMLDivElement>()
  const [index, setIndex] = useState<number>()
  const chosen = index === undefined ? undefined : series[index]
  const nameOf = ({ at }: DecisionBucket) => spanText(new Date(at), bucketSeconds)
  const point = (event: PointerEvent & { currentTarget: HTMLElement }) => {
    const across = event.clientX - event.currentTarget.getBoundingClientRect().left - LEFT
    setIndex(Math.min(series.length - 1, Math.max(0, Math.floor((across / (width - LEFT)) * series.length))))
  }
  return (
    <ChartFigure
      title={strings.charts.decisionsOverTime}
      legend={<Legend counts={chosen ?? totalsOf(series)} moment={chosen ? nameOf(chosen) : span} />}
      table={{
        columns: [strings.charts.time, ...STACK.map((action) => strings.actions[action])],
        rows: () => series.map((bucket) => [nameOf(bucket), ...STACK.map((action) => bucket[action])]),
      }}
    >
      <div class="chart-box" ref={box} onPointerMove={point} onPointerLeave={() => setIndex(undefined)}>
        {width > LEFT && <Plot series={series} width={width} chosen={index} />}
        <input
          type="range"
          class="chart-reader"
          min={0}
          max={Math.max(0, series.length - 1)}
          value={index ?? series.length - 1}
          aria-label={strings.charts.readMoment}
          aria-valuetext={chosen && `${nameOf(chosen)}: ${inWords(chosen)}`}
          onFocus={() => setIndex(index ?? series.length - 1)}
          onInput={(event) => setIndex(event.currentTarget.valueAsNumber)}
          onBlur={() => setIndex(undefined)}
        />
      </div>
    </ChartFigure>
  )
}

function Plot({ series, width, chosen }: { series: DecisionBucket[]; width: number; chosen: number | undefined }) {
  const prefix = useId()
  const plot = { width: width - LEFT, height: HEIGHT - TOP - BOTTOM }
  const ticks = countTicks(Math.max(...series.map(sumOf), 0))
  const max = ticks.at(-1) ?? 1
  const bars = stackBars(series, { ...plot, max })
  const mark = chosen === undefined ? undefined : barPlace(chosen, series.length, plot.width)
  return (
    <svg
      role="img"
      aria-label={strings.charts.decisionsSummary(inWords(totalsOf(series)))}
      width={width}
      height={HEIGHT}
      viewBox={`0 0 ${width} ${HEIGHT}`}
    >
      <ActionPatterns prefix={prefix} />
      <g transform={`translate(${LEFT} ${TOP})`}>
        {ticks.map((count) => {
          const y = Math.round(plot.height * (1 - count / max))
          return (
            <g key={count}>
              <line class={count === 0 ? 'axis' : 'grid'} x1="0" x2={plot.width} y1={y + 0.5} y2={y + 0.5} />
              <text class="tick" x="-8" y={y + 4} text-anchor="end">
                {countText(count)}
              </text>
            </g>
          )
        })}
        {mark && <rect class="moment" x={mark.x} y="0" width={mark.width} height={plot.height} />}
        {STACK.map((action) => (
          <path key={action} class="bars" d={bars[action]} fill={fillOf(prefix, action)} />
        ))}
        <TimeAxis times={series.map(({ at }) => new Date(at))} {...plot} />
      </g>
    </svg>
  )
}

function TimeAxis({ times, width, height }: { times: Date[]; width: number; height: number }) {
  return timeTicks(times, width).map(({ index, at, unit }) => {
    const x = barPlace(index, times.length, width).x
    return (
      <g key={index}>
        <line class="axis" x1={x + 0.5} x2={x + 0.5} y1={height} y2={height + 4} />
        <text class="tick" x={x} y={height + 18} text-anchor={x < 20 ? 'start' : x > width - 24 ? 'end' : 'middle'}>
          {tickText(at, unit)}
        </text>
      </g>
    )
  })
}

function Legend({ counts, moment }: { counts: Required<Counts>; moment: string }) {
  const prefix = useId()
  return (
    <div class="legend">
      <dl>
        {STACK.toReversed().map((action: Action) => (
          <div key={action}>
            <dt>
              <Swatch prefix={`${prefix}-${action}`} action={action} /> {strings.actions[action]}
            </dt>
            <dd>{countText(counts[action])}</dd>
          </div>
        ))}
      </dl>
      <p>{moment}</p>
    </div>
  )
}

function inWords(counts: Required<Counts>): string {
  return STACK.map((action) => `${countText(counts[action])} ${strings.actions[action]}`).join(', ')
}
