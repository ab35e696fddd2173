import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { strings } from '../strings.ts'
import { Button } from './button.tsx'

export type DialogProps = {
  title: string
  open: boolean
  onClose(): void
  children: ComponentChildren
  /** Buttons beside the one that closes. */
  actions?: ComponentChildren
  /** What the closing button says. */
  closeText?: string
}

/** The browser's own dialog: it keeps the focus inside and gives it back, and Escape closes it. */
export function Dialog({ title, open, onClose, children, actions, closeText = strings.parts.close }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null)
  const titleId = useId()

  useEffect(() => {
    const dialog = element.current
    if (!dialog || dialog.open === open) return
    if (open) dialog.showModal()
    else dialog.close()
  }, [open])

  return (
    <dialog ref={element} class="dialog" aria-labelledby={titleId} onClose={() => open && onClose()}>
      {open && (
        <>
          <h2 id={titleId}>{title}</h2>
          <div class="dialog-body">{children}</div>
          <footer class="dialog-actions">
            {actions}
            <Button onClick={onClose}>{closeText}</Button>
          </footer>
        </>
      )}
    </dialog>
  )
}
