import type { Verdict } from '../api-types.ts'
import { Key } from '../parts/key.tsx'
import { strings } from '../strings.ts'
import type { Reason } from './reasons.ts'

export type ReasonChoiceProps = {
  legend: string
  verdict: Verdict
  reasons: Reason[]
  code: string
  /** The first nine have the digits. */
  keys?: boolean
  onChoose(code: string): void
}

/** One reason of several. */
export function ReasonChoice({ legend, verdict, reasons, code: chosen, keys = false, onChoose }: ReasonChoiceProps) {
  return (
    <fieldset class="reasons" data-verdict={verdict}>
      <legend>{legend}</legend>
      <div class="row tight">
        {reasons.map(({ code, text, matched }, index) => (
          <label key={code} class="reason" title={code}>
            <input
              type="radio"
              name={`${verdict}-reason`}
              value={code}
              checked={code === chosen}
              onChange={() => onChoose(code)}
            />
            {keys && index < 9 && <Key>{index + 1}</Key>}
            <span>{text}</span>
            {matched && <span class="unseen">{strings.review.matchedReason}</span>}
          </label>
        ))}
      </div>
    </fieldset>
  )
}
