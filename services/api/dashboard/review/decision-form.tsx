import type { Signal } from '@preact/signals'
import type { Verdict } from '../api-types.ts'
import { Button } from '../parts/button.tsx'
import { SelectField } from '../parts/field.tsx'
import { Key } from '../parts/key.tsx'
import { strings } from '../strings.ts'
import { APPROVALS, type Reason } from './reasons.ts'

export type DecisionFormProps = {
  reasons: Reason[]
  /** The code to reject with. */
  rejectCode: string
  approveCode: Signal<string>
  note: Signal<string>
  onReason(code: string): void
  onDecide(verdict: Verdict): void
  onSkip(): void
}

/** The three things that can be done, and with which reason. What has a key says so. */
export function DecisionForm({ reasons, rejectCode, approveCode, note, onReason, onDecide, onSkip }: DecisionFormProps) {
  return (
    <form class="decision-form" onSubmit={(event) => event.preventDefault()}>
      <div class="row verdicts">
        <Button kind="approve" shortcut="A" onClick={() => onDecide('approve')}>
          {strings.review.approve}
        </Button>
        <Button kind="reject" shortcut="R" onClick={() => onDecide('reject')}>
          {strings.review.reject}
        </Button>
        <Button shortcut="S" onClick={onSkip}>
          {strings.review.skip}
        </Button>
      </div>
      <fieldset class="reasons">
        <legend>{strings.review.rejectReason}</legend>
        {reasons.map(({ code, text, matched }, index) => (
          <label key={code} class="reason" title={code}>
            <input type="radio" name="reason" value={code} checked={code === rejectCode} onChange={() => onReason(code)} />
            {index < 9 && <Key>{index + 1}</Key>}
            <span>{text}</span>
            {matched && <span class="unseen">{strings.review.matchedReason}</span>}
          </label>
        ))}
      </fieldset>
      <div class="decision-more">
        <SelectField
          label={strings.review.approveReason}
          value={approveCode.value}
          options={APPROVALS.map((code) => ({ value: code, text: strings.review.approvals[code] }))}
          onChange={(code) => {
            approveCode.value = code
          }}
        />
        <div class="field">
          <label for="note">{strings.review.note}</label>
          <input
            id="note"
            value={note.value}
            maxLength={2000}
            onInput={(event) => {
              note.value = event.currentTarget.value
            }}
          />
        </div>
      </div>
    </form>
  )
}
