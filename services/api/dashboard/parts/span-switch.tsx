import { OVERVIEW_WINDOWS, type OverviewWindow } from '../../../core/domain/overview-span.ts'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'

/** Chooses how far back the figures of a page go; the choice is in the address, so that it can be shared. */
export function SpanSwitch({ span }: { span: OverviewWindow }) {
  const { router } = useShell()
  const choose = (chosen: OverviewWindow) => router.go(`${router.place.peek().path}?window=${chosen}`, { replace: true })
  return (
    <fieldset class="span-switch">
      <legend class="unseen">{strings.overview.span}</legend>
      {OVERVIEW_WINDOWS.map((each) => (
        <label key={each}>
          <input type="radio" name="window" value={each} checked={each === span} onChange={() => choose(each)} />
          <span>{strings.overview.spans[each].short}</span>
        </label>
      ))}
    </fieldset>
  )
}
