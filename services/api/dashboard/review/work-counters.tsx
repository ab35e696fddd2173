import { clockText } from '../parts/format.ts'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'

/** What was done in this sitting. */
export function WorkCounters() {
  const { approved, rejected, activeMs } = useShell().wellbeing.work.value
  const text = strings.wellbeing
  return (
    <dl class="counters">
      {[
        [text.reviewed, String(approved + rejected)],
        [text.rejected, String(rejected)],
        [text.time, clockText(activeMs)],
      ].map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}
