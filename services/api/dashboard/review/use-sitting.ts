import { type Signal, useSignal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import { hasProblem } from '../api.ts'
import type { Review, ReviewChange } from '../api-types.ts'
import type { FeedEvent, FeedType } from '../feed.ts'
import { type Shell, useShell } from '../shell.ts'
import { watchActivity } from './activity.ts'
import { createFacts, type Facts } from './facts.ts'
import type { Notice } from './line-contract.ts'
import { type Choice, createLineService } from './line-service.ts'
import { createPictures, type Pictures } from './pictures.ts'
import { createReviewLine, type ReviewLine } from './review-line.ts'

export type Sitting = {
  line: ReviewLine
  pictures: Pictures
  facts: { of(uploadId: string): Facts }
  notice: Signal<Notice | undefined>
  /** Grows with every change of the line: read it to be rendered again. */
  version: Signal<number>
}

const AHEAD = 3
const MOST = 12
const BEHIND = 2
const RENEW_EVERY_MS = 10_000
/** Whoever is away for longer does not keep others from the reviews. */
const AWAY_MS = 600_000
const FEED: FeedType[] = ['review.opened', 'review.claimed', 'review.released', 'review.reopened']

/** A line of reviews for as long as the page is there, with the pictures of those that come next. */
export function useSitting(choice: Choice, firstId: string | undefined, onNotice: (notice: Notice) => void): Sitting {
  const shell = useShell()
  const notice = useSignal<Notice | undefined>(undefined)
  const version = useSignal(0)
  const key = JSON.stringify([choice, firstId])

  // Another choice is another sitting.
  const sitting = useMemo<Sitting>(() => {
    const pictures = createPictures(shell.api)
    const facts = createFacts(shell.api)
    const line = createReviewLine({
      service: createLineService(shell.api, choice),
      ahead: AHEAD,
      most: MOST,
      onChange() {
        readAhead(line, pictures, facts)
        version.value++
      },
      onNotice(told) {
        notice.value = told
        onNotice(told)
      },
    })
    return { line, pictures, facts, notice, version }
  }, [key])

  useEffect(() => attend(sitting, shell, firstId), [sitting, shell, firstId])
  return sitting
}

/** Opens the line, keeps its claims alive and listens to what others do; returns what ends all that. */
function attend({ line, pictures }: Sitting, { api, feed }: Shell, firstId: string | undefined): () => void {
  const activity = watchActivity()
  void openFirst(api, firstId).then((first) => line.start(first))
  const unsubscribe = feed.subscribe({
    types: FEED,
    onEvent: ({ data }: FeedEvent<ReviewChange>) => line.heard(data),
    onReset: () => void line.refill(),
  })
  const timer = setInterval(() => {
    if (activity.idleMs() < AWAY_MS) void line.renew()
  }, RENEW_EVERY_MS)
  const leave = () => void line.leave()
  /** What was given back when the page was left is no longer in hand when the browser shows it again. */
  const comeBack = ({ persisted }: PageTransitionEvent) => {
    if (persisted) location.reload()
  }
  addEventListener('pagehide', leave)
  addEventListener('pageshow', comeBack)
  return () => {
    removeEventListener('pagehide', leave)
    removeEventListener('pageshow', comeBack)
    clearInterval(timer)
    activity.stop()
    unsubscribe()
    leave()
    pictures.keep([])
  }
}

/** The review that the address names, in hand if that is possible. */
async function openFirst(api: Shell['api'], id: string | undefined): Promise<Review | undefined> {
  if (id === undefined) return undefined
  try {
    return await api.post<Review>(`/reviews/${id}/claim`, {})
  } catch (error) {
    if (!hasProblem(error, 'review-claimed', 'review-resolved')) return undefined
    return api.get<Review>(`/reviews/${id}`).catch(() => undefined)
  }
}

function readAhead(line: ReviewLine, pictures: Pictures, facts: Sitting['facts']): void {
  const near = line.entries().slice(Math.max(0, line.position() - BEHIND), line.position() + 1)
  const wanted = [...near, ...line.upcoming()].map(({ review }) => review.upload)
  pictures.keep(wanted.map(({ id }) => id))
  for (const { id, has_image } of [...wanted].reverse().toSorted((a, b) => orderOf(line, a.id) - orderOf(line, b.id))) {
    if (has_image) pictures.of(id)
    facts.of(id)
  }
}

/** What is looked at comes first. */
function orderOf(line: ReviewLine, uploadId: string): number {
  const index = line.entries().findIndex(({ review }) => review.upload.id === uploadId) - line.position()
  return index < 0 ? line.entries().length - index : index
}
