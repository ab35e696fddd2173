import { useSignal } from '@preact/signals'
import { Button } from '../parts/button.tsx'
import { EmptyState } from '../parts/empty-state.tsx'
import { ErrorNote } from '../parts/error-note.tsx'
import { RelativeTime } from '../parts/relative-time.tsx'
import { SecretDialog } from '../parts/secret-dialog.tsx'
import { type Column, Table } from '../parts/table.tsx'
import { useLoad } from '../parts/use-load.ts'
import { useTitle } from '../parts/use-title.ts'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'
import { EventNames } from '../webhook/event-names.tsx'
import type { Webhook } from '../webhook/webhook.ts'
import { type WebhookFields, WebhookForm } from '../webhook/webhook-form.tsx'
import { WebhookState } from '../webhook/webhook-state.tsx'
import '../styles/admin.css'

/** Where the platform hears of events. */
export function WebhooksPage() {
  const { api } = useShell()
  const adding = useSignal(false)
  const secret = useSignal<string | undefined>(undefined)
  const { data, error, reload } = useLoad((signal) => api.get<{ items: Webhook[] }>('/webhooks', { signal }), [])
  const text = strings.webhooks
  useTitle(text.title)
  const create = async (fields: WebhookFields) => {
    const made = await api.post<Webhook & { secret: string }>('/webhooks', fields)
    secret.value = made.secret
    await reload()
  }
  const webhooks = data.value?.items
  return (
    <>
      <header class="page-head">
        <h1>{text.title}</h1>
        <Button kind="primary" onClick={() => (adding.value = true)}>
          {text.add}
        </Button>
      </header>
      <p class="dim">{text.lead}</p>
      {error.value !== undefined && <ErrorNote error={error.value} onRetry={reload} />}
      {webhooks?.length === 0 && <EmptyState title={text.none}>{text.noneHint}</EmptyState>}
      {webhooks && webhooks.length > 0 && (
        <Table caption={text.title} rows={webhooks} rowKey={({ id }) => id} columns={COLUMNS} />
      )}
      <WebhookForm open={adding.value} onSave={create} onClose={() => (adding.value = false)} />
      <SecretDialog
        title={text.secretTitle}
        secret={secret.value === undefined ? undefined : { text: secret.value, explanation: text.secretExplained }}
        onClose={() => (secret.value = undefined)}
      />
    </>
  )
}

const COLUMNS: Column<Webhook>[] = [
  { key: 'url', head: strings.webhooks.url, heads: true, cell: (webhook) => <Address webhook={webhook} /> },
  { key: 'state', head: strings.webhooks.state, cell: (webhook) => <WebhookState webhook={webhook} /> },
  { key: 'events', head: strings.webhooks.events, cell: ({ event_types }) => <EventNames types={event_types} /> },
  { key: 'made', head: strings.webhooks.made, cell: ({ created_at }) => <RelativeTime at={created_at} /> },
]

function Address({ webhook: { id, url, description } }: { webhook: Webhook }) {
  const { router } = useShell()
  return (
    <>
      <a href={router.href(`/webhooks/${id}`)} class="mono">
        {url}
      </a>
      {description && <p class="dim small">{description}</p>}
    </>
  )
}
