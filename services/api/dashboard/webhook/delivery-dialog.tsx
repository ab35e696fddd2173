import { Dialog } from '../parts/dialog.tsx'
import { ErrorNote } from '../parts/error-note.tsx'
import { latencyText } from '../parts/format-figures.ts'
import { RelativeTime } from '../parts/relative-time.tsx'
import { Table } from '../parts/table.tsx'
import { useLoad } from '../parts/use-load.ts'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'
import type { DeliveryDetails } from './webhook.ts'

/** What exactly was sent, and how each attempt went. */
export function DeliveryDialog({ id, onClose }: { id: string | undefined; onClose(): void }) {
  return (
    <Dialog title={strings.deliveries.one} open={id !== undefined} onClose={onClose}>
      {id !== undefined && <Details key={id} id={id} />}
    </Dialog>
  )
}

function Details({ id }: { id: string }) {
  const { api } = useShell()
  const { data, error, reload } = useLoad((signal) => api.get<DeliveryDetails>(`/webhooks/deliveries/${id}`, { signal }), [id])
  const text = strings.deliveries
  const delivery = data.value
  if (error.value !== undefined) return <ErrorNote error={error.value} onRetry={reload} />
  if (!delivery) return <p class="dim">{strings.app.loading}</p>
  return (
    <div class="stack">
      <dl class="pairs">
        <dt>{text.event}</dt>
        <dd>
          <code>{delivery.event.type}</code>
        </dd>
        <dt>webhook-id</dt>
        <dd>
          <code>{delivery.event.id}</code>
        </dd>
      </dl>
      {delivery.history.length === 0 ? (
        <p class="dim">{text.noAttempts}</p>
      ) : (
        <Table
          caption={text.history}
          captionHidden={false}
          rows={delivery.history}
          rowKey={({ at }) => at}
          columns={[
            { key: 'at', head: text.at, heads: true, cell: ({ at }) => <RelativeTime at={at} /> },
            { key: 'answer', head: text.answer, cell: ({ status, error: reason }) => reason ?? status },
            { key: 'took', head: text.took, numeric: true, cell: ({ duration_ms }) => latencyText(duration_ms) },
            { key: 'response', head: text.response, cell: ({ response }) => response && <code>{response}</code> },
          ]}
        />
      )}
      <section>
        <h3>{text.body}</h3>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
        <pre class="source" tabIndex={0}>
          {indented(delivery.body)}
        </pre>
      </section>
    </div>
  )
}

function indented(json: string): string {
  return JSON.stringify(JSON.parse(json), null, 2)
}
