import { useSignal } from '@preact/signals'
import type { PageProps } from '../page-props.ts'
import { ErrorNote } from '../parts/error-note.tsx'
import { useLoad } from '../parts/use-load.ts'
import { useTitle } from '../parts/use-title.ts'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'
import { Deliveries } from '../webhook/deliveries.tsx'
import { EventNames } from '../webhook/event-names.tsx'
import type { Webhook } from '../webhook/webhook.ts'
import { WebhookActions } from '../webhook/webhook-actions.tsx'
import { WebhookState } from '../webhook/webhook-state.tsx'
import '../styles/admin.css'

/** One endpoint: what can be done with it, and what was sent to it. */
export function WebhookPage({ params: { id = '' } }: PageProps) {
  const { api, router } = useShell()
  const { data, error, reload } = useLoad((signal) => api.get<Webhook>(`/webhooks/${id}`, { signal }), [id])
  const sent = useSignal(0)
  const text = strings.webhooks
  useTitle(text.one)
  const webhook = data.value
  return (
    <>
      <nav class="crumbs" aria-label={text.crumbs}>
        <a href={router.href('/webhooks')}>{text.title}</a>
      </nav>
      <h1>{webhook ? <span class="mono">{webhook.url}</span> : text.one}</h1>
      {error.value !== undefined && <ErrorNote error={error.value} onRetry={reload} />}
      {webhook && (
        <section class="panel stack">
          {webhook.description && <p>{webhook.description}</p>}
          <dl class="pairs">
            <dt>{text.state}</dt>
            <dd>
              <WebhookState webhook={webhook} />
            </dd>
            <dt>{text.events}</dt>
            <dd>
              <EventNames types={webhook.event_types} />
            </dd>
          </dl>
          <WebhookActions webhook={webhook} onChange={reload} onSent={() => sent.value++} />
        </section>
      )}
      {webhook && <Deliveries key={sent.value} webhookId={id} onAttempt={reload} />}
    </>
  )
}
