import { useSignal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import { strings } from '../strings.ts'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'

export type Secret = { text: string; explanation: string }

/** Shows what is shown this once. */
export function SecretDialog({ title, secret, onClose }: { title: string; secret: Secret | undefined; onClose(): void }) {
  const copied = useSignal(false)
  const code = useRef<HTMLElement>(null)
  const close = () => {
    copied.value = false
    onClose()
  }
  /** Where the browser allows no copying, as over plain HTTP, the text is selected. */
  const copy = async (text: string) => {
    try {
      await navigator.clipboard.writeText(text)
      copied.value = true
    } catch {
      if (code.current) getSelection()?.selectAllChildren(code.current)
    }
  }
  return (
    <Dialog title={title} open={secret !== undefined} onClose={close} closeText={strings.secret.kept}>
      {secret && (
        <div class="stack">
          <p class="note warning">{strings.secret.once}</p>
          <p>{secret.explanation}</p>
          <div class="secret">
            <code ref={code}>{secret.text}</code>
            <Button onClick={() => void copy(secret.text)}>{strings.secret.copy}</Button>
          </div>
          <p role="status">{copied.value && strings.secret.copied}</p>
        </div>
      )}
    </Dialog>
  )
}
