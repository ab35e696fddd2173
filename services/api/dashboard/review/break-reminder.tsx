import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { Button } from '../parts/button.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { clockText } from '../parts/format.ts'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'
import { dueBreak } from './due-break.ts'

/** Proposes a break when one is due. During it no picture is shown, and `onBreak` may give back what is in hand. */
export function BreakReminder({ onBreak, onReturn }: { onBreak(): void; onReturn(): void }) {
  const { wellbeing, preferences } = useShell()
  const resting = useSignal<number | undefined>(undefined)
  const { sinceBreakMs, sinceBreakPictures } = wellbeing.work.value
  const due = dueBreak(wellbeing.work.value, preferences.current.value)
  const text = strings.wellbeing

  if (resting.value !== undefined)
    return (
      <Dialog
        title={text.onBreak}
        open
        closeText={text.back}
        onClose={() => {
          resting.value = undefined
          wellbeing.rest()
          onReturn()
        }}
      >
        <p>{text.breakHint}</p>
        <BreakClock since={resting.value} />
      </Dialog>
    )
  return (
    <Dialog
      title={text.breakDue}
      open={due !== undefined}
      closeText={text.later}
      onClose={() => wellbeing.putOff(preferences.current.peek())}
      actions={
        <Button
          kind="primary"
          onClick={() => {
            resting.value = Date.now()
            onBreak()
          }}
        >
          {text.takeBreak}
        </Button>
      }
    >
      <p>{text.breakReason(clockText(sinceBreakMs), sinceBreakPictures)}</p>
    </Dialog>
  )
}

function BreakClock({ since }: { since: number }) {
  const elapsed = useSignal(0)
  useEffect(() => {
    const timer = setInterval(() => {
      elapsed.value = Date.now() - since
    }, 1000)
    return () => clearInterval(timer)
  }, [since, elapsed])
  return <p class="break-clock">{clockText(elapsed.value)}</p>
}
