import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { Verdict } from '../api-types.ts'
import { BulkBar } from '../bulk/bulk-bar.tsx'
import { columnsOf, stepOf } from '../bulk/grid-steps.ts'
import { Tile } from '../bulk/tile.tsx'
import { useBatch } from '../bulk/use-batch.ts'
import type { PageProps } from '../page-props.ts'
import { Button } from '../parts/button.tsx'
import { EmptyState } from '../parts/empty-state.tsx'
import { ErrorNote } from '../parts/error-note.tsx'
import { KeysButton } from '../parts/keys-button.tsx'
import { useShortcuts } from '../parts/use-shortcuts.ts'
import { useTitle } from '../parts/use-title.ts'
import { BreakReminder } from '../review/break-reminder.tsx'
import { dueBreak } from '../review/due-break.ts'
import { choiceOf } from '../review/line-service.ts'
import { usePolicyTexts } from '../review/policy-texts.ts'
import { APPROVALS, rejectionReasons } from '../review/reasons.ts'
import { ShortcutSheet } from '../review/shortcut-sheet.tsx'
import { useWorkClock } from '../review/use-work-clock.ts'
import { WorkCounters } from '../review/work-counters.tsx'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'
import '../styles/bulk.css'

/** Many pictures side by side, for those that need no second look. */
export function BulkPage({ query }: PageProps) {
  const { announce, preferences, wellbeing } = useShell()
  const { batch, tiles, loading, error, blurred, sharp, next } = useBatch(choiceOf(query))
  const policies = usePolicyTexts()
  const selected = useSignal<ReadonlySet<string>>(new Set())
  const focus = useSignal(0)
  const seen = useSignal<string | undefined>(undefined)
  const code = useSignal<string | undefined>(undefined)
  const failure = useSignal<unknown>(undefined)
  const sheet = useSignal(false)
  const list = useRef<HTMLDivElement>(null)
  const { greyscale } = preferences.current.value
  const concealed = dueBreak(wellbeing.work.value, preferences.current.value) !== undefined
  useTitle(strings.bulk.title)
  useWorkClock()

  const shown = tiles.value
  const open = shown.filter(({ status }) => status === 'open')
  const chosen = open.filter(({ review }) => selected.value.has(review.id))
  const matched = [...new Set((chosen.length > 0 ? chosen : open).flatMap(({ review }) => review.reason_codes))]
  const reasons = rejectionReasons({ reason_codes: matched }, policies.value, strings.review.reasons)
  const rejectCode = code.value ?? reasons[0]?.code ?? 'other'

  const toggle = (index: number) => {
    const tile = shown[index]
    if (tile?.status !== 'open') return
    const now = new Set(selected.value)
    if (!now.delete(tile.review.id)) now.add(tile.review.id)
    selected.value = now
  }
  const selectAll = () => {
    selected.value = new Set(chosen.length === open.length ? [] : open.map(({ review }) => review.id))
  }
  const reveal = () => {
    const review = shown[focus.value]?.review
    seen.value = seen.value === review?.id ? undefined : review?.id
    sharp.keep(seen.value && review ? [review.upload.id] : [])
  }
  const decide = async (action: Verdict) => {
    if (chosen.length === 0) return
    failure.value = undefined
    const ids = chosen.map(({ review }) => review.id)
    selected.value = new Set()
    try {
      const results = await batch.resolve(ids, { action, reason_code: action === 'reject' ? rejectCode : APPROVALS[0] })
      const done = results.filter(({ ok }) => ok).length
      for (let count = 0; count < done; count++) wellbeing.count(action)
      announce(strings.bulk.done(done, results.length - done), done < results.length)
    } catch (reason) {
      failure.value = reason
    }
  }
  const undo = async () => {
    const action = batch.undoable()[0]?.ruling?.action
    const undone = await batch.undo()
    for (let count = 0; count < undone && action; count++) wellbeing.count(action, -1)
    announce(undone > 0 ? strings.review.undone : strings.review.cannotUndo)
  }
  const load = async () => {
    selected.value = new Set()
    focus.value = 0
    seen.value = undefined
    await next()
  }
  const moveFocus = (to: number) => {
    focus.value = Math.min(Math.max(to, 0), Math.max(shown.length - 1, 0))
    const tile = list.current?.children[focus.value] as HTMLElement | undefined
    tile?.focus()
    tile?.scrollIntoView({ block: 'nearest' })
  }

  useShortcuts({
    a: () => void decide('approve'),
    r: () => void decide('reject'),
    z: () => void undo(),
    u: () => void undo(),
    n: () => void load(),
    v: reveal,
    g: () => preferences.set({ greyscale: !greyscale }),
    '?': () => {
      sheet.value = true
    },
    ...Object.fromEntries(
      reasons.slice(0, 9).map(({ code: wanted }, index) => [
        String(index + 1),
        () => {
          code.value = wanted
        },
      ]),
    ),
  })

  const onKeyDown = (event: KeyboardEvent) => {
    const step = stepOf(event.key, columnsOf(list))
    if (step !== undefined) moveFocus(focus.value + step)
    else if (event.key === ' ' || event.key.toLowerCase() === 'x') toggle(focus.value)
    else if (event.key === 'Home') moveFocus(0)
    else if (event.key === 'End') moveFocus(shown.length - 1)
    else if (event.key.toLowerCase() === 'a' && (event.ctrlKey || event.metaKey)) selectAll()
    else return
    event.preventDefault()
  }

  const ready = shown.length > 0 && !loading.value
  useEffect(() => {
    if (ready) (list.current?.firstElementChild as HTMLElement | null)?.focus({ preventScroll: true })
  }, [ready])

  return (
    <>
      <div class="page-head">
        <h1>{strings.bulk.title}</h1>
        <div class="row">
          <WorkCounters />
          <KeysButton sheet={sheet} />
        </div>
      </div>
      <p class="dim small">{strings.bulk.hint}</p>
      {error.value !== undefined && <ErrorNote error={error.value} onRetry={load} />}
      {failure.value !== undefined && <ErrorNote title={strings.review.notSent} error={failure.value} />}
      {shown.length > 0 && (
        <>
          <div
            ref={list}
            class="tiles"
            role="listbox"
            aria-multiselectable="true"
            aria-label={strings.bulk.tiles}
            onKeyDown={onKeyDown}
          >
            {shown.map((tile, index) => (
              <Tile
                key={tile.review.id}
                tile={tile}
                position={index + 1}
                selected={selected.value.has(tile.review.id)}
                focused={index === focus.value}
                greyscale={greyscale}
                blurred={blurred}
                sharp={seen.value === tile.review.id && !concealed ? sharp : undefined}
                onPress={() => {
                  moveFocus(index)
                  toggle(index)
                }}
              />
            ))}
          </div>
          <BulkBar
            selected={chosen.length}
            total={open.length}
            reasons={reasons}
            code={rejectCode}
            undoable={batch.undoable().length}
            onSelectAll={selectAll}
            onReason={(wanted) => {
              code.value = wanted
            }}
            onDecide={(action) => void decide(action)}
            onUndo={() => void undo()}
            onMore={() => void load()}
          />
        </>
      )}
      {shown.length === 0 && !loading.value && error.value === undefined && (
        <EmptyState title={strings.bulk.nothing} actions={<Button onClick={() => void load()}>{strings.parts.retry}</Button>}>
          {strings.bulk.nothingHint}
        </EmptyState>
      )}
      <ShortcutSheet
        keys={strings.bulk.keyTexts}
        open={sheet.value}
        onClose={() => {
          sheet.value = false
        }}
      />
      <BreakReminder onBreak={batch.leave} onReturn={() => void load()} />
    </>
  )
}
