import { useId } from 'preact/hooks'
import { countText } from '../parts/format.ts'
import { strings } from '../strings.ts'
import { ActionPatterns, fillOf } from './action-patterns.tsx'
import { type Counts, STACK, stackBars, totalsOf } from './stack-bars.ts'
import { useWidth } from './use-width.ts'

const HEIGHT = 44

/** What one policy flagged and rejected over time, small: one of several with the same scale, whose top is `max`. */
export function PolicyChart({ name, series, max }: { name: string; series: Pick<Counts, 'flag' | 'reject'>[]; max: number }) {
  const [box, width] = useWidth<HTMLDivElement>()
  const prefix = useId()
  const bars = stackBars(series, { width, height: HEIGHT - 1, max: Math.max(1, max) })
  const { flag, reject } = totalsOf(series)
  return (
    <div class="chart-box" ref={box}>
      <svg
        role="img"
        aria-label={strings.charts.policySummary(name, countText(flag), countText(reject))}
        width={width}
        height={HEIGHT}
      >
        <ActionPatterns prefix={prefix} />
        {STACK.map((action) => (
          <path key={action} class="bars" d={bars[action]} fill={fillOf(prefix, action)} />
        ))}
        <line class="axis" x1="0" x2={width} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} />
      </svg>
    </div>
  )
}
