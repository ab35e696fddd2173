import { useSignal } from '@preact/signals'
import { useId } from 'preact/hooks'
import { EVENT_TYPES, type EventType } from '../../../core/domain/events.ts'
import { Button } from '../parts/button.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { ErrorNote } from '../parts/error-note.tsx'
import { Field } from '../parts/field.tsx'
import { useAction } from '../parts/use-action.ts'
import { strings } from '../strings.ts'
import type { Webhook } from './webhook.ts'

export type WebhookFields = { url: string; description?: string; event_types: EventType[] }

type WebhookFormProps = {
  open: boolean
  /** What is edited; a new one when it is absent. */
  webhook?: Webhook
  onSave(fields: WebhookFields): Promise<unknown>
  onClose(): void
}

/** Asks for what a webhook is: its address, what it is for, and its events. */
export function WebhookForm({ open, webhook, onSave, onClose }: WebhookFormProps) {
  const action = useAction()
  const formId = useId()
  const text = strings.webhooks
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const fields = new FormData(event.currentTarget as HTMLFormElement)
    const worked = await action.run(async () => onSave(readFields(fields, webhook !== undefined)))
    if (worked) onClose()
  }
  return (
    <Dialog
      title={webhook ? text.edit : text.add}
      open={open}
      onClose={onClose}
      closeText={strings.parts.cancel}
      actions={
        <Button kind="primary" type="submit" form={formId} busy={action.busy.value}>
          {webhook ? text.save : text.create}
        </Button>
      }
    >
      <form id={formId} class="stack" onSubmit={(event) => void submit(event)}>
        <Field
          label={text.url}
          hint={text.urlHint}
          name="url"
          type="url"
          required
          maxLength={2048}
          placeholder="https://"
          defaultValue={webhook?.url}
        />
        <Field label={text.description} name="description" maxLength={500} defaultValue={webhook?.description} />
        <EventTypes chosen={webhook?.event_types ?? []} />
        {action.error.value !== undefined && <ErrorNote error={action.error.value} />}
      </form>
    </Dialog>
  )
}

function EventTypes({ chosen }: { chosen: EventType[] }) {
  const all = useSignal(chosen.length === 0)
  const text = strings.webhooks
  return (
    <fieldset class="choices">
      <legend>{text.events}</legend>
      <label class="choice">
        <input type="checkbox" name="all" checked={all.value} onChange={(event) => (all.value = event.currentTarget.checked)} />
        {text.allEvents}
      </label>
      {!all.value &&
        EVENT_TYPES.map((type) => (
          <label key={type} class="choice indented">
            <input type="checkbox" name="event_types" value={type} defaultChecked={chosen.includes(type)} />
            <span>
              <code>{type}</code> <span class="dim">{text.eventMeans[type]}</span>
            </span>
          </label>
        ))}
    </fieldset>
  )
}

/** An empty description takes one away, and is none for a new webhook. Throws when no event is chosen, which the service would take for all. */
function readFields(fields: FormData, edited: boolean): WebhookFields {
  const description = String(fields.get('description') ?? '').trim()
  const event_types = fields.getAll('event_types') as EventType[]
  if (!fields.has('all') && event_types.length === 0) throw new Error(strings.webhooks.noEvents)
  return {
    url: String(fields.get('url') ?? '').trim(),
    ...((edited || description) && { description }),
    event_types,
  }
}
