import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { Verdict } from '../api-types.ts'
import { ErrorNote } from '../parts/error-note.tsx'
import { useShortcuts } from '../parts/use-shortcuts.ts'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'
import { DecisionForm } from './decision-form.tsx'
import { ExplanationPanel } from './explanation-panel.tsx'
import type { Explanations } from './explanations.ts'
import { FileFacts } from './file-facts.tsx'
import { HeatOverlay } from './heat-overlay.tsx'
import type { Entry } from './line-contract.ts'
import { Objections } from './objections.tsx'
import { PastPanels } from './past-panels.tsx'
import type { PolicyText } from './policy-texts.ts'
import { APPROVALS, rejectionReasons } from './reasons.ts'
import { RuleFacts } from './rule-facts.tsx'
import { Settled } from './settled.tsx'
import { Stage } from './stage.tsx'
import { StageTools } from './stage-tools.tsx'
import { useExplanation } from './use-explanation.ts'
import { useOriginal } from './use-original.ts'
import { useReveal } from './use-reveal.ts'
import type { Sitting } from './use-sitting.ts'

export type DeskProps = {
  sitting: Sitting
  entry: Entry
  policies: PolicyText[]
  explanations: Explanations
  /** Nothing may be seen now. */
  concealed: boolean
}

/** One review with all that is known of it, and what can be done. It begins anew with each review. */
export function Desk({ sitting: { line, pictures, facts }, entry, policies, explanations, concealed }: DeskProps) {
  const { preferences, announce } = useShell()
  const { review } = entry
  const { upload } = review
  const look = preferences.current.value
  const { revealed, toggle, hold } = useReveal()
  const original = useOriginal(upload.id)
  const reasons = rejectionReasons(review, policies, strings.review.reasons)
  const chosenCode = useSignal<string | undefined>(entry.ruling?.action === 'reject' ? entry.ruling.reason_code : undefined)
  const approveCode = useSignal<string>(APPROVALS[0])
  const note = useSignal(entry.ruling?.note ?? '')
  const explanation = useExplanation(explanations, upload.id)
  const self = useRef<HTMLDivElement>(null)
  const rejectCode = chosenCode.value ?? reasons[0]?.code ?? 'other'

  const decide = (action: Verdict) => {
    const reason_code = action === 'reject' ? rejectCode : approveCode.value
    if (entry.status === 'held') announce(strings.review.doneWith(action, reason_code))
    line.decide({ action, reason_code, ...(note.value.trim() && { note: note.value.trim() }) })
  }
  const flipGreyscale = () => preferences.set({ greyscale: !look.greyscale })

  useShortcuts(
    {
      a: () => decide('approve'),
      r: () => decide('reject'),
      s: () => line.skip(),
      v: toggle,
      g: flipGreyscale,
      e: explanation.flip,
      ' ': () => hold(true),
      ...Object.fromEntries(
        reasons.slice(0, 9).map(({ code, text }, index) => [
          String(index + 1),
          () => {
            chosenCode.value = code
            announce(text)
          },
        ]),
      ),
    },
    { ' ': () => hold(false) },
  )

  /** A button that was pressed is gone with the review before: the next Space must not press another one. */
  useEffect(() => {
    if (document.activeElement === document.body)
      self.current?.querySelector<HTMLElement>('.stage')?.focus({ preventScroll: true })
  }, [])

  return (
    <div class="desk" ref={self}>
      <div class="desk-picture">
        <Stage
          upload={upload}
          picture={upload.has_image ? pictures.of(upload.id) : undefined}
          revealed={revealed.value && !concealed}
          look={look}
          original={original.url.value}
          onHold={hold}
        >
          {explanation.rule?.heat_map && <HeatOverlay map={explanation.rule.heat_map} />}
        </Stage>
        <StageTools
          mime={upload.image.mime}
          revealed={revealed.value}
          greyscale={look.greyscale}
          explaining={explanation.wanted}
          original={original}
          onReveal={toggle}
          onGreyscale={flipGreyscale}
          onExplain={explanation.flip}
        />
        {entry.problem && entry.status === 'held' && <ErrorNote title={strings.review.notSent} error={entry.problem} />}
        {entry.status === 'held' ? (
          <DecisionForm
            reasons={reasons}
            rejectCode={rejectCode}
            approveCode={approveCode}
            note={note}
            onReason={(code) => {
              chosenCode.value = code
            }}
            onDecide={decide}
            onSkip={() => line.skip()}
          />
        ) : (
          <Settled entry={entry} onForward={() => line.forward()} />
        )}
      </div>
      <div class="desk-facts">
        <ExplanationPanel explanation={explanation} />
        <Objections review={review} />
        {review.decision && <RuleFacts decision={review.decision} policies={policies} />}
        <PastPanels facts={facts.of(upload.id)} />
        <FileFacts review={review} />
      </div>
    </div>
  )
}
