import { useSignal } from '@preact/signals'
import { Button } from '../parts/button.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { ErrorNote } from '../parts/error-note.tsx'
import { SelectField } from '../parts/field.tsx'
import { useAction } from '../parts/use-action.ts'
import { strings } from '../strings.ts'

const OVERLAPS = [0, 3600, 86_400, 604_800] as const

type RotateProps = { open: boolean; onRotate(overlapSeconds: number): Promise<unknown>; onClose(): void }

/** Asks how long the older secret goes on to sign. */
export function RotateDialog({ open, onRotate, onClose }: RotateProps) {
  const overlap = useSignal<number>(86_400)
  const action = useAction()
  const text = strings.webhooks
  const rotate = async () => {
    if (await action.run(() => onRotate(overlap.value))) onClose()
  }
  return (
    <Dialog
      title={text.rotateTitle}
      open={open}
      onClose={onClose}
      closeText={strings.parts.cancel}
      actions={
        <Button kind="primary" busy={action.busy.value} onClick={() => void rotate()}>
          {text.rotate}
        </Button>
      }
    >
      <div class="stack">
        <p>{text.rotateMeans}</p>
        <SelectField
          label={text.overlap}
          value={String(overlap.value)}
          options={OVERLAPS.map((seconds) => ({ value: String(seconds), text: text.overlaps[seconds] }))}
          onChange={(value) => (overlap.value = Number(value))}
        />
        {action.error.value !== undefined && <ErrorNote error={action.error.value} />}
      </div>
    </Dialog>
  )
}
