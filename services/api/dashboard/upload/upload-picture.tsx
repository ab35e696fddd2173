import { useEffect, useMemo } from 'preact/hooks'
import type { UploadView } from '../../../core/domain/decision.ts'
import { hasProblem } from '../api.ts'
import { useShortcuts } from '../parts/use-shortcuts.ts'
import { ExplanationPanel } from '../review/explanation-panel.tsx'
import { createExplanations } from '../review/explanations.ts'
import { HeatOverlay } from '../review/heat-overlay.tsx'
import { createPictures } from '../review/pictures.ts'
import { Stage } from '../review/stage.tsx'
import { StageTools } from '../review/stage-tools.tsx'
import { useExplanation } from '../review/use-explanation.ts'
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
  const explanation = useExplanation(explanations, upload.id)
  useEffect(() => () => pictures.keep([]), [pictures])

  const look = preferences.current.value
  const picture = pictures.of(upload.id)
  const gone = hasProblem(picture.problem.value, 'image-gone')
  const flipGreyscale = () => preferences.set({ greyscale: !look.greyscale })
  useShortcuts({ v: toggle, g: flipGreyscale, e: explanation.flip, ' ': () => hold(true) }, { ' ': () => hold(false) })

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
      <ExplanationPanel explanation={explanation} />
    </>
  )
}
