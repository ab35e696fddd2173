import { Button } from '../parts/button.tsx'
import { errorText } from '../parts/error-note.tsx'
import { strings } from '../strings.ts'
import { mayMove, type Original } from './use-original.ts'

export type StageToolsProps = {
  mime: string
  revealed: boolean
  greyscale: boolean
  explaining: boolean
  original: Original
  onReveal(): void
  onGreyscale(): void
  onExplain(): void
}

/** How the picture is looked at. */
export function StageTools({
  mime,
  revealed,
  greyscale,
  explaining,
  original,
  onReveal,
  onGreyscale,
  onExplain,
}: StageToolsProps) {
  const text = strings.review
  const playing = original.url.value !== undefined
  return (
    <div class="row stage-tools">
      <Button shortcut="V" aria-pressed={revealed} onClick={onReveal}>
        {text.reveal}
      </Button>
      <Button shortcut="G" aria-pressed={greyscale} onClick={onGreyscale}>
        {text.greyscale}
      </Button>
      <Button shortcut="E" aria-pressed={explaining} onClick={onExplain}>
        {text.explain}
      </Button>
      {revealed && mayMove(mime) && (
        <Button onClick={() => (playing ? original.stop() : void original.play())}>
          {playing ? text.stopOriginal : text.playOriginal}
        </Button>
      )}
      {original.error.value !== undefined && <span class="small dim">{errorText(original.error.value)}</span>}
    </div>
  )
}
