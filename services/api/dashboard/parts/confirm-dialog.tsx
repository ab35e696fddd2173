import type { ComponentChildren } from 'preact'
import { strings } from '../strings.ts'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'
import { ErrorNote } from './error-note.tsx'
import { useAction } from './use-action.ts'

/** Asks before something that cannot be taken back, and says what it does. */
export function ConfirmDialog({
  title,
  open,
  confirmText,
  onConfirm,
  onClose,
  children,
}: {
  title: string
  open: boolean
  confirmText: string
  onConfirm(): Promise<unknown>
  onClose(): void
  children: ComponentChildren
}) {
  const action = useAction()
  const confirm = async () => {
    if (await action.run(onConfirm)) onClose()
  }
  return (
    <Dialog
      title={title}
      open={open}
      onClose={onClose}
      closeText={strings.parts.cancel}
      actions={
        <Button kind="danger" busy={action.busy.value} onClick={() => void confirm()}>
          {confirmText}
        </Button>
      }
    >
      {children}
      {action.error.value !== undefined && <ErrorNote error={action.error.value} />}
    </Dialog>
  )
}
