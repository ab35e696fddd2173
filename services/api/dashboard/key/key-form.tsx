import { useId } from 'preact/hooks'
import { SCOPES, type Scope } from '../../../core/domain/scopes.ts'
import { Button } from '../parts/button.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { ErrorNote } from '../parts/error-note.tsx'
import { Field } from '../parts/field.tsx'
import { useAction } from '../parts/use-action.ts'
import { strings } from '../strings.ts'

export type KeyFields = { name: string; scopes: Scope[] }

/** Asks what a new key is for and what it may do. */
export function KeyForm({
  open,
  onSave,
  onClose,
}: {
  open: boolean
  onSave(fields: KeyFields): Promise<unknown>
  onClose(): void
}) {
  const action = useAction()
  const formId = useId()
  const text = strings.keys
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const fields = new FormData(event.currentTarget as HTMLFormElement)
    const key = { name: String(fields.get('name') ?? '').trim(), scopes: fields.getAll('scopes') as Scope[] }
    if (await action.run(() => onSave(key))) onClose()
  }
  return (
    <Dialog
      title={text.add}
      open={open}
      onClose={onClose}
      closeText={strings.parts.cancel}
      actions={
        <Button kind="primary" type="submit" form={formId} busy={action.busy.value}>
          {text.create}
        </Button>
      }
    >
      <form id={formId} class="stack" onSubmit={(event) => void submit(event)}>
        <Field label={text.name} hint={text.nameHint} name="name" required maxLength={100} />
        <fieldset class="choices">
          <legend>{text.scopes}</legend>
          {SCOPES.map((scope) => (
            <label key={scope} class="choice">
              <input type="checkbox" name="scopes" value={scope} defaultChecked={scope === 'intake'} />
              <span>
                <code>{scope}</code> <span class="dim">{text.scopeMeans[scope]}</span>
              </span>
            </label>
          ))}
        </fieldset>
        {action.error.value !== undefined && <ErrorNote error={action.error.value} />}
      </form>
    </Dialog>
  )
}
