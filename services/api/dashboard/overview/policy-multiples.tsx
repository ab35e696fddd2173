import type { Overview } from '../../../core/domain/overview.ts'
import { PolicyChart } from '../charts/policy-chart.tsx'
import { Badge } from '../parts/badge.tsx'
import { countText } from '../parts/format.ts'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'

/** What each policy found, side by side and on one scale, so that the busy ones stand out. */
export function PolicyMultiples({ policies }: Pick<Overview, 'policies'>) {
  const { router } = useShell()
  const max = Math.max(1, ...policies.flatMap(({ series }) => series.map(({ flag, reject }) => flag + reject)))
  return (
    <section class="panel" aria-labelledby="policies-title">
      <h2 id="policies-title">{strings.overview.byPolicy}</h2>
      <p class="dim small">{strings.overview.oneScale(countText(max))}</p>
      <ul class="multiples">
        {policies.map(({ id, mode, flag, reject, series }) => (
          <li key={id}>
            <div class="multiple-head">
              <a href={router.href(`/policies/${id}`)}>{id}</a>
              {mode !== 'enforce' && <Badge>{strings.modes[mode]}</Badge>}
            </div>
            <PolicyChart name={id} series={series} max={max} />
            <p class="dim">{strings.overview.found(countText(flag), countText(reject))}</p>
          </li>
        ))}
      </ul>
    </section>
  )
}
