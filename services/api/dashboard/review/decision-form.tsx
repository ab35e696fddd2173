import type { Signal } from '@preact/signals'
import type { Verdict } from '../api-types.ts'
import { Button } from '../parts/button.tsx'
import { strings } from '../strings.ts'
import { ReasonChoice } from './reason-choice.tsx'
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
  const text = strings.review
  return (
    <form class="decision-form" onSubmit={(event) => event.preventDefault()}>
      <div class="decision-row">
        <div class="row verdicts">
          <Button kind="approve" shortcut="A" onClick={once(() => onDecide('approve'))}>
            {text.approve}
          </Button>
          <Button kind="reject" shortcut="R" onClick={once(() => onDecide('reject'))}>
            {text.reject}
          </Button>
          <Button shortcut="S" onClick={once(onSkip)}>
            {text.skip}
          </Button>
        </div>
        <label class="note-field">
          {text.note}
          <input
            value={note.value}
            maxLength={2000}
            onInput={(event) => {
              note.value = event.currentTarget.value
            }}
          />
        </label>
      </div>
      <ReasonChoice legend={text.rejectReason} verdict="reject" reasons={reasons} code={rejectCode} keys onChoose={onReason} />
      <ReasonChoice
        legend={text.approveReason}
        verdict="approve"
        reasons={APPROVALS.map((code) => ({ code, text: text.approvals[code], matched: false }))}
        code={approveCode.value}
        onChoose={(code) => {
          approveCode.value = code
        }}
      />
    </form>
  )
}

/** The second half of a double click would be for the next picture, which stands at the same place by then. */
function once(act: () => void): (event: MouseEvent) => void {
  return ({ detail }) => {
    if (detail < 2) act()
  }
}
