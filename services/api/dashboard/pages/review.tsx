import { useSignal } from '@preact/signals'
import { useMemo } from 'preact/hooks'
import { hasProblem } from '../api.ts'
import type { PageProps } from '../page-props.ts'
import { Button } from '../parts/button.tsx'
import { EmptyState } from '../parts/empty-state.tsx'
import { ErrorNote, errorText } from '../parts/error-note.tsx'
import { KeysButton } from '../parts/keys-button.tsx'
import { useShortcuts } from '../parts/use-shortcuts.ts'
import { useTitle } from '../parts/use-title.ts'
import { BreakReminder } from '../review/break-reminder.tsx'
import { Desk } from '../review/desk.tsx'
import { dueBreak } from '../review/due-break.ts'
import { createExplanations } from '../review/explanations.ts'
import type { Notice } from '../review/line-contract.ts'
import { choiceOf } from '../review/line-service.ts'
import { usePolicyTexts } from '../review/policy-texts.ts'
import { ShortcutSheet } from '../review/shortcut-sheet.tsx'
import { UndoBar } from '../review/undo-bar.tsx'
import { type Sitting, useSitting } from '../review/use-sitting.ts'
import { useWorkClock } from '../review/use-work-clock.ts'
import { WorkCounters } from '../review/work-counters.tsx'
import { type Shell, useShell } from '../shell.ts'
import { strings } from '../strings.ts'
import '../styles/review.css'

/** One review after the other, the next ones ready before this one is decided. */
export function ReviewPage({ params, query }: PageProps) {
  const shell = useShell()
  const { api, router, wellbeing, preferences } = shell
  const sheet = useSignal(false)
  const policies = usePolicyTexts()
  const explanations = useMemo(() => createExplanations(api), [api])
  const choice = choiceOf(query)
  const sitting = useSitting(choice, params.id, (notice) => tell(notice, shell))
  const { line, version } = sitting
  const undo = () => void line.undo()
  const openBulk = () => router.go(`/bulk${queryOf(query)}`)
  useTitle(strings.review.title)
  useWorkClock()

  useShortcuts({
    u: undo,
    z: undo,
    n: () => line.forward(),
    ArrowRight: () => line.forward(),
    p: () => line.back(),
    ArrowLeft: () => line.back(),
    b: openBulk,
    '?': () => {
      sheet.value = true
    },
  })

  // Whatever the line holds is read when it says that something changed.
  void version.value
  const entry = line.current()
  const concealed = dueBreak(wellbeing.work.value, preferences.current.value) !== undefined
  return (
    <>
      <div class="page-head">
        <h1>{titleOf(choice)}</h1>
        <UndoBar line={line} onUndo={undo} />
        <div class="row">
          <WorkCounters />
          <Button shortcut="B" onClick={openBulk}>
            {strings.nav.bulk}
          </Button>
          <KeysButton sheet={sheet} />
        </div>
      </div>
      <Trouble sitting={sitting} />
      {entry ? (
        <Desk
          key={entry.review.id}
          sitting={sitting}
          entry={entry}
          policies={policies.value}
          explanations={explanations}
          concealed={concealed}
        />
      ) : (
        <NothingHere sitting={sitting} />
      )}
      <ShortcutSheet
        keys={strings.review.keyTexts}
        open={sheet.value}
        onClose={() => {
          sheet.value = false
        }}
      />
      <BreakReminder onBreak={() => void line.pause()} onReturn={() => void line.refill()} />
    </>
  )
}

/** A decision that did not arrive is in hand again, though something else is looked at by now: that stays said until it is dealt with. */
function Trouble({ sitting: { line, notice } }: { sitting: Sitting }) {
  const told = notice.value
  const unsaved = line.unsaved()
  if (unsaved && unsaved !== line.current())
    return <ErrorNote title={strings.review.notSent} error={unsaved.problem} onRetry={() => line.show(unsaved)} />
  if (told?.kind === 'cannot-undo') return <p class="note warning">{undoText(told.error)}</p>
  if (told?.kind === 'lost' && told.entry !== line.current())
    return <p class="note warning">{strings.review.lost(told.entry.problem ?? '')}</p>
  return null
}

/** Too late, or something that may pass. */
function undoText(error: unknown): string {
  return error === undefined || hasProblem(error, 'undo-expired') ? strings.review.cannotUndo : errorText(error)
}

function NothingHere({ sitting: { line } }: { sitting: Sitting }) {
  const { router } = useShell()
  const failure = line.failure()
  if (failure) return <ErrorNote error={failure} onRetry={() => line.refill()} />
  if (line.isFilling()) return <p class="dim">{strings.review.looking}</p>
  return (
    <EmptyState title={strings.review.nothing} actions={<a href={router.href('/')}>{strings.nav.queue}</a>}>
      {strings.review.nothingHint}
    </EmptyState>
  )
}

/** Counts what was done and says what is not seen. */
function tell(notice: Notice, { announce, wellbeing }: Shell): void {
  switch (notice.kind) {
    case 'resolved':
      if (notice.entry.ruling) wellbeing.count(notice.entry.ruling.action)
      return
    case 'undone':
      if (notice.entry.ruling) wellbeing.count(notice.entry.ruling.action, -1)
      announce(strings.review.undone)
      return
    case 'cannot-undo':
      announce(undoText(notice.error))
      return
    case 'lost':
      announce(strings.review.lost(notice.entry.problem ?? ''), true)
      return
    case 'failed':
      announce(`${strings.review.notSent} ${errorText(notice.error)}`, true)
  }
}

function titleOf({ queue, policy, source, origin }: ReturnType<typeof choiceOf>): string {
  const named = [queue, policy, source, origin && strings.queue.origins[origin]].filter(Boolean).join(', ')
  return named ? `${strings.review.title}: ${named}` : strings.review.title
}

function queryOf(query: Record<string, string>): string {
  const text = new URLSearchParams(query).toString()
  return text && `?${text}`
}
