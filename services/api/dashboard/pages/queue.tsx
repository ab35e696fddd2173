import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { NamedQueue, Page, Review, ReviewChange } from '../api-types.ts'
import type { FeedEvent } from '../feed.ts'
import type { PageProps } from '../page-props.ts'
import { Button } from '../parts/button.tsx'
import { EmptyState } from '../parts/empty-state.tsx'
import { ErrorNote } from '../parts/error-note.tsx'
import { useLoad } from '../parts/use-load.ts'
import { usePages } from '../parts/use-pages.ts'
import { useTitle } from '../parts/use-title.ts'
import { applyChange, REVIEW_FEED } from '../queue/follow-reviews.ts'
import { type Filters, QueueFilters } from '../queue/queue-filters.tsx'
import { QueueList } from '../queue/queue-list.tsx'
import { ReviewTable } from '../queue/review-table.tsx'
import { throttle } from '../queue/throttle.ts'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'
import '../styles/queue.css'

const PAGE_SIZE = 50
const COUNT_EVERY_MS = 1500

/** What waits, in which queue, and who has it in hand: it follows the service by itself. */
export function QueuePage({ query }: PageProps) {
  const { api, feed, router, announce } = useShell()
  const filters: Filters = { state: 'open', policy: '', source: '', origin: '', order: 'priority', ...query }
  const queue = query.queue ?? 'all'
  const asked = { ...filters, ...(query.queue && { queue: query.queue }), limit: PAGE_SIZE }
  const arrived = useSignal(0)
  const queues = useLoad((signal) => api.get<{ items: NamedQueue[] }>('/reviews/queues', { signal }), [])
  const { items, error, loading, hasMore, more, reload } = usePages<Review>(
    (cursor, signal) => api.get<Page<Review>>('/reviews', { query: { ...asked, cursor }, signal }),
    [JSON.stringify(asked)],
  )
  useTitle(strings.queue.title)

  const refresh = async () => {
    arrived.value = 0
    await reload()
  }

  // One subscription, whatever is listed.
  useEffect(() => {
    const count = throttle(() => void queues.reload(), COUNT_EVERY_MS)
    const refill = throttle(() => void refresh(), COUNT_EVERY_MS)
    const end = feed.subscribe({
      types: REVIEW_FEED,
      onEvent({ type, data }: FeedEvent<ReviewChange>) {
        count()
        const known = items.peek()
        const me = known.find(({ claim }) => claim?.mine)?.claim?.by.id
        items.value = applyChange(known, type, data, me)
        if (type !== 'review.opened' && type !== 'review.reopened') return
        if (known.length === 0) return refill()
        if (arrived.peek() === 0) announce(strings.queue.arrivedSaid)
        arrived.value++
      },
      onReset: () => void refresh(),
    })
    return () => {
      count.stop()
      refill.stop()
      end()
    }
  }, [feed])

  const known = queues.data.value?.items ?? []
  const choose = (change: Partial<Filters>) => {
    const wanted = { ...query, ...change }
    const kept = Object.entries(wanted).filter(
      ([name, value]) => value && !(name === 'state' && value === 'open') && !(name === 'order' && value === 'priority'),
    )
    router.go(`/?${new URLSearchParams(Object.fromEntries(kept))}`, { replace: true })
  }
  return (
    <>
      <div class="page-head">
        <h1>{strings.queue.title}</h1>
        <a class="button primary" href={router.href(`/review${choiceText(query)}`)}>
          {strings.queue.start}
        </a>
      </div>
      <div class="queue-page">
        {known.length > 0 && <QueueList queues={known} chosen={queue} />}
        <div class="stack">
          <QueueFilters
            filters={filters}
            policies={namesOf(known, 'policy')}
            sources={namesOf(known, 'source')}
            onChange={choose}
          />
          {error.value !== undefined && <ErrorNote error={error.value} onRetry={refresh} />}
          {arrived.value > 0 && <Button onClick={() => void refresh()}>{strings.queue.arrived(arrived.value)}</Button>}
          {items.value.length > 0 && <ReviewTable reviews={items.value} />}
          {items.value.length === 0 && !loading.value && error.value === undefined && (
            <EmptyState title={strings.queue.empty}>{strings.queue.emptyHint}</EmptyState>
          )}
          {hasMore.value && (
            <Button busy={loading.value} onClick={() => void more()}>
              {strings.parts.more}
            </Button>
          )}
        </div>
      </div>
    </>
  )
}

function namesOf(queues: NamedQueue[], kind: 'policy' | 'source'): string[] {
  return [...new Set(queues.flatMap(({ filter }) => filter[kind] ?? []))]
}

/** What reviewing takes along from the filters. */
function choiceText({ queue, policy, source, origin }: Record<string, string>): string {
  const kept = Object.entries({ queue, policy, source, origin }).filter((entry): entry is [string, string] => Boolean(entry[1]))
  return kept.length === 0 ? '' : `?${new URLSearchParams(kept)}`
}
