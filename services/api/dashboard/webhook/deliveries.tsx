import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { Page } from '../api-types.ts'
import { Badge, type Tone } from '../parts/badge.tsx'
import { Button } from '../parts/button.tsx'
import { EmptyState } from '../parts/empty-state.tsx'
import { ErrorNote } from '../parts/error-note.tsx'
import { SelectField } from '../parts/field.tsx'
import { countText } from '../parts/format.ts'
import { latencyText } from '../parts/format-figures.ts'
import { RelativeTime } from '../parts/relative-time.tsx'
import { Table } from '../parts/table.tsx'
import { useAction } from '../parts/use-action.ts'
import { usePages } from '../parts/use-pages.ts'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'
import { DeliveryDialog } from './delivery-dialog.tsx'
import { DELIVERY_STATES, type Delivery, type DeliveryState } from './webhook.ts'

const TONES: Record<DeliveryState, Tone> = { pending: 'info', delivered: 'approve', dead: 'reject' }
/** What waits is looked at again this often, and not more of it than this at once. */
const LOOK_AGAIN_MS = 1500
const MOST_LOOKED_AT = 5

/** What was sent to an endpoint, or is to be. What waits is followed until it has arrived; `onAttempt` is told when something changed. */
export function Deliveries({ webhookId, onAttempt }: { webhookId: string; onAttempt(): unknown }) {
  const { api, announce } = useShell()
  const state = useSignal<DeliveryState | ''>('')
  const opened = useSignal<string | undefined>(undefined)
  const action = useAction()
  const text = strings.deliveries
  const pages = usePages<Delivery>(
    (cursor, signal) =>
      api.get<Page<Delivery>>(`/webhooks/${webhookId}/deliveries`, { query: { state: state.value, cursor, limit: 25 }, signal }),
    [webhookId, state.value],
  )
  const replace = (delivery: Delivery) => {
    pages.items.value = pages.items.peek().map((each) => (each.id === delivery.id ? delivery : each))
  }
  useFollowed(pages.items.value, replace)
  const attempted = pages.items.value.map(({ id, attempts, state }) => `${id} ${attempts} ${state}`).join()
  useEffect(() => void onAttempt(), [attempted])
  const redeliver = async (id: string) => {
    replace(await api.post<Delivery>(`/webhooks/deliveries/${id}/redeliver`))
    announce(text.redelivering)
  }
  const found = pages.items.value
  return (
    <section class="stack" aria-labelledby="deliveries-title">
      <header class="page-head">
        <h2 id="deliveries-title">{text.title}</h2>
        <SelectField
          label={text.state}
          value={state.value}
          options={[{ value: '', text: text.anyState }, ...DELIVERY_STATES.map((value) => ({ value, text: text.states[value] }))]}
          onChange={(value) => (state.value = value as DeliveryState | '')}
        />
      </header>
      {pages.error.value !== undefined && <ErrorNote error={pages.error.value} onRetry={pages.reload} />}
      {action.error.value !== undefined && <ErrorNote error={action.error.value} />}
      {found.length === 0 && !pages.loading.value && <EmptyState title={text.none}>{text.noneHint}</EmptyState>}
      {found.length > 0 && (
        <Table
          caption={text.title}
          rows={found}
          rowKey={({ id }) => id}
          rowClass={() => 'centred'}
          columns={[
            { key: 'event', head: text.event, heads: true, cell: ({ event }) => <code class="kept-whole">{event.type}</code> },
            { key: 'at', head: text.at, cell: ({ event }) => <RelativeTime at={event.created_at} /> },
            { key: 'state', head: text.state, cell: (delivery) => <State delivery={delivery} /> },
            { key: 'answer', head: text.answer, cell: ({ last }) => last && (last.error ?? last.status) },
            { key: 'attempts', head: text.attempts, numeric: true, cell: ({ attempts }) => countText(attempts) },
            { key: 'took', head: text.took, numeric: true, cell: ({ last }) => last && latencyText(last.duration_ms) },
            {
              key: 'actions',
              head: <span class="unseen">{text.actions}</span>,
              cell: ({ id, event }) => (
                <div class="row nowrap">
                  <Button aria-label={text.showOf(event.type)} onClick={() => (opened.value = id)}>
                    {text.show}
                  </Button>
                  <Button aria-label={text.redeliverOf(event.type)} onClick={() => void action.run(() => redeliver(id))}>
                    {text.redeliver}
                  </Button>
                </div>
              ),
            },
          ]}
        />
      )}
      {pages.hasMore.value && (
        <Button busy={pages.loading.value} onClick={pages.more}>
          {strings.parts.more}
        </Button>
      )}
      <DeliveryDialog id={opened.value} onClose={() => (opened.value = undefined)} />
    </section>
  )
}

function State({ delivery: { state, next_at } }: { delivery: Delivery }) {
  return (
    <span class="row">
      <Badge tone={TONES[state]}>{strings.deliveries.states[state]}</Badge>
      {next_at && (
        <span class="dim small">
          <RelativeTime at={next_at} />
        </span>
      )}
    </span>
  )
}

/** Reads deliveries that wait again and again, while the page is seen. */
function useFollowed(deliveries: Delivery[], onRead: (delivery: Delivery) => void): void {
  const { api } = useShell()
  const waiting = deliveries.filter(({ state }) => state === 'pending').slice(0, MOST_LOOKED_AT)
  const ids = waiting.map(({ id }) => id).join()
  useEffect(() => {
    if (!ids) return
    const reading = new AbortController()
    const look = async () => {
      if (document.hidden) return
      const found = await Promise.all(
        ids.split(',').map((id) => api.get<Delivery>(`/webhooks/deliveries/${id}`, { signal: reading.signal })),
      )
      for (const delivery of found) onRead(delivery)
    }
    // What cannot be read now is tried again soon.
    const timer = setInterval(() => void look().catch(() => undefined), LOOK_AGAIN_MS)
    return () => {
      clearInterval(timer)
      reading.abort()
    }
  }, [ids])
}
