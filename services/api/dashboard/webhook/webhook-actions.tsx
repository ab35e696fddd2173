import { useSignal } from '@preact/signals'
import { Button } from '../parts/button.tsx'
import { ConfirmDialog } from '../parts/confirm-dialog.tsx'
import { ErrorNote } from '../parts/error-note.tsx'
import { SecretDialog } from '../parts/secret-dialog.tsx'
import { useAction } from '../parts/use-action.ts'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'
import { RotateDialog } from './rotate-dialog.tsx'
import type { Webhook } from './webhook.ts'
import { WebhookForm } from './webhook-form.tsx'

type ActionsProps = {
  webhook: Webhook
  onChange(): Promise<unknown>
  /** A test is on its way. */
  onSent(): void
}

/** Everything that can be done with an endpoint. */
export function WebhookActions({ webhook, onChange, onSent }: ActionsProps) {
  const { api, router, announce } = useShell()
  const shown = useSignal<'edit' | 'rotate' | 'delete' | undefined>(undefined)
  const secret = useSignal<string | undefined>(undefined)
  const action = useAction()
  const text = strings.webhooks
  const path = `/webhooks/${webhook.id}`
  const close = () => {
    shown.value = undefined
  }
  const change = async (changes: Partial<Webhook>) => {
    await api.patch(path, changes)
    await onChange()
  }
  const test = async () => {
    await api.post(`${path}/test`)
    announce(text.testSent)
    onSent()
  }
  const rotate = async (overlapSeconds: number) => {
    const rotated = await api.post<{ secret: string }>(`${path}/rotate-secret`, { overlap_seconds: overlapSeconds })
    secret.value = rotated.secret
  }
  const remove = async () => {
    await api.delete(path)
    announce(text.deleted)
    router.go('/webhooks')
  }
  const enabled = webhook.state === 'enabled'
  return (
    <>
      <div class="row">
        <Button busy={action.busy.value} disabled={!enabled} onClick={() => void action.run(test)}>
          {text.test}
        </Button>
        <Button onClick={() => (shown.value = 'edit')}>{text.edit}</Button>
        <Button
          busy={action.busy.value}
          onClick={() => void action.run(() => change({ state: enabled ? 'disabled' : 'enabled' }))}
        >
          {enabled ? text.disable : text.enable}
        </Button>
        <Button onClick={() => (shown.value = 'rotate')}>{text.rotate}</Button>
        <Button kind="danger" onClick={() => (shown.value = 'delete')}>
          {text.delete}
        </Button>
      </div>
      {action.error.value !== undefined && <ErrorNote error={action.error.value} />}
      <WebhookForm open={shown.value === 'edit'} webhook={webhook} onSave={change} onClose={close} />
      <RotateDialog open={shown.value === 'rotate'} onRotate={rotate} onClose={close} />
      <ConfirmDialog
        title={text.deleteTitle}
        open={shown.value === 'delete'}
        confirmText={text.delete}
        onConfirm={remove}
        onClose={close}
      >
        <p>{text.deleteMeans}</p>
      </ConfirmDialog>
      <SecretDialog
        title={text.secretTitle}
        secret={secret.value === undefined ? undefined : { text: secret.value, explanation: text.secretExplained }}
        onClose={() => (secret.value = undefined)}
      />
    </>
  )
}
