import type { Signal } from '@preact/signals'
import type { Overview } from '../../../core/domain/overview.ts'
import type { OverviewWindow } from '../../../core/domain/overview-span.ts'
import type { Api } from '../api.ts'
import { FEED_TYPES, type Feed, type FeedEvent } from '../feed.ts'
import { countDecision, type Decided } from './count-decision.ts'

/** The numbers are read again this often, though nothing is heard … */
const REFRESH_MS = 15_000
/** … and soon after something was heard, but not more often than this. */
const LEAST_PAUSE_MS = 3_000
const SOON_MS = 750

export type OverviewReading = {
  api: Api
  feed: Feed
  span: OverviewWindow
  overview: Signal<Overview | undefined>
  error: Signal<unknown>
}

/**
 * Keeps `overview` up to date: decisions are counted as the feed tells of them, and the whole is read again now and then. Rests while nobody sees the
 * page. Returns what ends it.
 */
export function followOverview({ api, feed, span, overview, error }: OverviewReading): () => void {
  let reading: AbortController | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let dueAt = 0
  let readAt = 0
  let unsubscribe: (() => void) | undefined
  const counter = createCounter(overview)

  const readIn = (ms: number) => {
    clearTimeout(timer)
    dueAt = Date.now() + ms
    timer = setTimeout(() => void read(), ms)
  }
  const read = async () => {
    reading?.abort()
    reading = new AbortController()
    const { signal } = reading
    readAt = Date.now()
    readIn(REFRESH_MS)
    try {
      const found = await api.get<Overview>('/overview', { query: { window: span }, signal })
      counter.forget()
      overview.value = found
      error.value = undefined
    } catch (cause) {
      if (!signal.aborted) error.value = cause
    }
  }
  const onEvent = ({ type, data }: FeedEvent<Decided>) => {
    if (type === 'upload.decided') counter.add(data)
    const at = Math.max(Date.now() + SOON_MS, readAt + LEAST_PAUSE_MS)
    if (at < dueAt) readIn(at - Date.now())
  }
  const rest = () => {
    unsubscribe?.()
    unsubscribe = undefined
    clearTimeout(timer)
    reading?.abort()
    counter.forget()
  }
  const wake = () => {
    rest()
    unsubscribe = feed.subscribe({ types: FEED_TYPES, onEvent, onReset: () => void read() })
    void read()
  }
  const seenOrNot = () => (document.hidden ? rest() : wake())

  seenOrNot()
  document.addEventListener('visibilitychange', seenOrNot)
  return () => {
    document.removeEventListener('visibilitychange', seenOrNot)
    rest()
  }
}

/** Counts decisions into the overview, those of one frame together: hundreds may come in a second. */
function createCounter(overview: Signal<Overview | undefined>) {
  let heard: Decided[] = []
  let frame = 0
  const count = () => {
    frame = 0
    const known = overview.peek()
    if (known) overview.value = heard.reduce(countDecision, known)
    heard = []
  }
  return {
    add(decided: Decided) {
      heard.push(decided)
      frame ||= requestAnimationFrame(count)
    },
    forget() {
      heard = []
      cancelAnimationFrame(frame)
      frame = 0
    },
  }
}
