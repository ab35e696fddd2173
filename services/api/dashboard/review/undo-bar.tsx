import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { Button } from '../parts/button.tsx'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'
import type { ReviewLine } from './review-line.ts'

/** The last decision, for as long as it can be taken back. */
export function UndoBar({ line, onUndo }: { line: ReviewLine; onUndo(): void }) {
  const { api } = useShell()
  const now = useSignal(api.now())
  const latest = line.undoable().at(-1)
  const running = latest !== undefined
  useEffect(() => {
    if (!running) return
    now.value = api.now()
    const timer = setInterval(() => {
      now.value = api.now()
    }, 500)
    return () => clearInterval(timer)
  }, [running, api, now])
  const ruling = latest?.entry.ruling
  if (!latest || !ruling) return null
  const seconds = Math.max(0, Math.floor((latest.untilMs - now.value) / 1000))
  if (seconds === 0) return null
  return (
    <div class="undo-bar">
      <span>
        {strings.review.done[ruling.action]} <span class="dim">{ruling.reason_code}</span>
      </span>
      <Button shortcut="Z" onClick={onUndo}>
        {strings.review.undoFor(seconds)}
      </Button>
    </div>
  )
}
