import type { IdListener } from '../core/infra/id-listener.ts'

export type AwaitOptions<T> = {
  /** Where a change of what `look` looks at is announced, under `id`. */
  announcements: Pick<IdListener, 'waitFor'>
  id: string
  waitMs: number
  /** Nobody is there any more to tell. */
  signal: AbortSignal
  look: () => Promise<T>
  isEnough: (found: T) => boolean
}

/** What `look` finds, as soon as that is enough, or as it is when `waitMs` have passed. */
export async function awaitAnnounced<T>({ announcements, id, waitMs, signal, look, isEnough }: AwaitOptions<T>): Promise<T> {
  const until = performance.now() + waitMs
  const done = new AbortController()
  const giveUp = () => done.abort()
  signal.addEventListener('abort', giveUp)
  try {
    for (;;) {
      const heard = announcements.waitFor(id, Math.max(0, until - performance.now()), done.signal)
      const found = await look()
      if (isEnough(found) || !(await heard)) return found
    }
  } finally {
    signal.removeEventListener('abort', giveUp)
    done.abort()
  }
}
