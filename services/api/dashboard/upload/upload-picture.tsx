import { useSignal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import type { UploadView } from '../../../core/domain/decision.ts'
import { hasProblem } from '../api.ts'
import { useShortcuts } from '../parts/use-shortcuts.ts'
import { ExplanationPanel, explainedRules } from '../review/explanation-panel.tsx'
import { createExplanations } from '../review/explanations.ts'
import { HeatOverlay } from '../review/heat-overlay.tsx'
import { createPictures } from '../review/pictures.ts'
import { Stage } from '../review/stage.tsx'
import { StageTools } from '../review/stage-tools.tsx'
import { useOriginal } from '../review/use-original.ts'
import { useReveal } from '../review/use-reveal.ts'
import { useShell } from '../shell.ts'

/** The picture, blurred first, with its explanation on request; as in a review. */
export function UploadPicture({ upload }: { upload: UploadView }) {
  const { api, preferences } = useShell()
  const pictures = useMemo(() => createPictures(api), [api])
  const explanations = useMemo(() => createExplanations(api), [api])
  const original = useOriginal(upload.id)
  const { revealed, toggle, hold } = useReveal()
  const explaining = useSignal(false)
  const chosenKey = useSignal<string | undefined>(undefined)
  useEffect(() => () => pictures.keep([]), [pictures])

  const look = preferences.current.value
  const picture = pictures.of(upload.id)
  const gone = hasProblem(picture.problem.value, 'image-gone')
  const flipGreyscale = () => preferences.set({ greyscale: !look.greyscale })
  const flipExplanation = () => {
    explaining.value = !explaining.value
  }
  useShortcuts({ v: toggle, g: flipGreyscale, e: flipExplanation, ' ': () => hold(true) }, { ' ': () => hold(false) })

  const explanation = explaining.value ? explanations.of(upload.id) : undefined
  const rules = explanation?.found.value ? explainedRules(explanation.found.value) : []
  const rule = rules.find(({ key }) => key === chosenKey.value) ?? rules[0]
  return (
    <>
      <Stage
        upload={{ ...upload, has_image: !gone }}
        picture={gone ? undefined : picture}
        revealed={revealed.value}
        look={look}
        original={original.url.value}
        onHold={hold}
      >
        {rule?.heat_map && <HeatOverlay map={rule.heat_map} />}
      </Stage>
      <StageTools
        mime={upload.image.mime}
        revealed={revealed.value}
        greyscale={look.greyscale}
        explaining={explaining.value}
        original={original}
        onReveal={toggle}
        onGreyscale={flipGreyscale}
        onExplain={flipExplanation}
      />
      {explanation && (
        <ExplanationPanel
          load={explanation}
          chosen={rule}
          onChoose={(key) => {
            chosenKey.value = key
          }}
          onRetry={() => {
            explanations.forget(upload.id)
            explaining.value = false
            explaining.value = true
          }}
        />
      )}
    </>
  )
}
