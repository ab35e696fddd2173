import type { Api } from '../api.ts'
import type { BulkResult, Review } from '../api-types.ts'
import type { Ruling } from '../review/line-contract.ts'
import { type Choice, createLineService } from '../review/line-service.ts'

export type Tile = {
  review: Review
  status: 'open' | 'sending' | 'done' | 'failed'
  ruling?: Ruling
  /** Why it was not done. */
  code?: string
}

export type Batch = ReturnType<typeof createBatch>

const SIZE = 20

/** Reviews that are looked at together. They are claimed, and given back when the batch is left. */
export function createBatch(api: Api, choice: Choice, show: (tiles: Tile[]) => void) {
  const service = createLineService(api, choice)
  let tiles: Tile[] = []
  let last: Tile[] = []
  let away = false
  let forget: ReturnType<typeof setTimeout> | undefined

  const set = (next: Tile[]) => {
    tiles = next
    show(tiles)
  }
  const change = (id: string, to: Partial<Tile>) => set(tiles.map((tile) => (tile.review.id === id ? { ...tile, ...to } : tile)))
  const open = () => tiles.filter(({ status }) => status === 'open')
  /** What was resolved last can be taken back until the first of its times, in milliseconds since the epoch. */
  const remember = (done: Tile[], untilMs: number) => {
    clearTimeout(forget)
    last = done
    if (done.length > 0) forget = setTimeout(() => remember([], 0), untilMs - service.now())
    set([...tiles])
  }
  const release = (reviews: Pick<Review, 'id'>[]) => Promise.allSettled(reviews.map(({ id }) => service.release(id, false)))
  const releaseOpen = () => release(open().map(({ review }) => review))

  return {
    /** The next ones; what was left open of these is given back. */
    async next() {
      away = false
      await releaseOpen()
      last = []
      const reviews = await service.next(SIZE)
      if (away) await release(reviews)
      else set(reviews.map((review) => ({ review, status: 'open' })))
    },

    /** Answers with what became of each. Rejects when nothing was sent. */
    async resolve(ids: string[], ruling: Ruling): Promise<BulkResult[]> {
      for (const id of ids) change(id, { status: 'sending', ruling })
      try {
        const { items } = await api.post<{ items: BulkResult[] }>('/reviews/resolve', { ids, ...ruling })
        for (const item of items) change(item.id, item.ok ? { status: 'done' } : { status: 'failed', code: item.code })
        const until = items.flatMap((item) => (item.ok ? Date.parse(item.review.resolution?.undo_until ?? '') : []))
        const done = tiles.filter(({ review, status }) => status === 'done' && ids.includes(review.id))
        remember(done, Math.min(...until))
        return items
      } catch (error) {
        for (const id of ids) change(id, { status: 'open' })
        throw error
      }
    },

    /** What was resolved last, as long as it can be taken back. */
    undoable: () => last,

    async undo(): Promise<number> {
      const back = last
      last = []
      const undone = await Promise.allSettled(
        back.map(async ({ review }) => {
          await service.undo(review.id)
          change(review.id, { status: 'open' })
        }),
      )
      return undone.filter(({ status }) => status === 'fulfilled').length
    },

    /** Whoever's claim has ended meanwhile is told so. */
    async renew() {
      await Promise.all(
        open().map(async ({ review }) => {
          try {
            await service.claim(review.id)
            if (!tiles.some((tile) => tile.review.id === review.id)) await release([review])
          } catch (error) {
            if (service.isLost(error) && open().some((tile) => tile.review.id === review.id))
              change(review.id, { status: 'failed', code: (error as { code: string }).code })
          }
        }),
      )
    },

    /** Gives all back, for good or until `next`. */
    leave() {
      away = true
      void releaseOpen()
      remember([], 0)
      set([])
    },
  }
}
