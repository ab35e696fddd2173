import type { Review, ReviewChange } from '../api-types.ts'
import type { Entry, LineService, Notice, Ruling } from './line-contract.ts'

/** How many can be looked at again. */
const MOST_BEHIND = 50

export type LineOptions = {
  service: LineService
  /** How many are claimed beyond the one that is looked at. */
  ahead: number
  /** Never holds more. */
  most: number
  /** Something is different: show it. */
  onChange(): void
  /** Something happened that is not otherwise seen. */
  onNotice(notice: Notice): void
}

export type ReviewLine = ReturnType<typeof createReviewLine>

/**
 * The reviews of one sitting, in the order they came: those behind are decided, the next few are claimed already. A decision moves on at once and is sent
 * meanwhile; when it is refused the entry says so, and one that may be sent again is back in hand.
 */
export function createReviewLine({ service, ahead, most, onChange, onNotice }: LineOptions) {
  let entries: Entry[] = []
  let position = 0
  let filling = false
  /** Nothing more was open when it was asked for last. */
  let dry = false
  let paused = false
  let left = false
  let failure: unknown
  const sent = new Map<string, Promise<void>>()
  let decided: Entry[] = []

  /** Nobody looks any more at what was left. */
  const changed = () => {
    if (!left) onChange()
  }
  const held = () => entries.filter(({ status }) => status === 'held')
  const enter = (review: Review): Entry => ({ review, status: 'held', leaseMs: leaseOf(review) })
  const leaseOf = ({ claim }: Review) => (claim ? Date.parse(claim.expires_at) - service.now() : 0)

  const giveBack = async (back: Entry[]) => {
    for (const entry of back) entry.status = 'skipped'
    await Promise.allSettled(back.map(({ review }) => service.release(review.id, false)))
  }

  const fill = async () => {
    const missing = Math.min(ahead + 1 - heldFrom(position), most - held().length)
    if (filling || dry || left || missing <= 0) return
    filling = true
    changed()
    try {
      const known = new Set(held().map(({ review }) => review.id))
      const found = (await service.next(missing)).filter(({ id }) => !known.has(id))
      if (left || paused) await Promise.allSettled(found.map(({ id }) => service.release(id, false)))
      else entries = [...entries, ...found.map(enter)]
      dry = paused || found.length === 0
      failure = undefined
    } catch (error) {
      failure = error
      dry = true
    }
    filling = false
    changed()
    if (!dry) void fill()
  }
  /** What was passed long ago is forgotten, unless something is left to do about it. */
  const forgetOld = () => {
    const passed = entries.slice(0, Math.max(0, position - MOST_BEHIND))
    const old = passed.filter((entry) => entry.status !== 'held' && entry.status !== 'sending' && !decided.includes(entry))
    entries = entries.filter((entry) => !old.includes(entry))
    position -= old.length
  }
  const heldFrom = (index: number) => entries.slice(index).filter(({ status }) => status === 'held').length

  /** To the next one in hand: after this one, else one that was left behind, else the end, where new ones arrive. */
  const moveOn = () => {
    const after = entries.findIndex(({ status }, index) => index > position && status === 'held')
    const before = dry ? entries.findIndex(({ status }) => status === 'held') : -1
    position = after >= 0 ? after : before >= 0 ? before : entries.length
    forgetOld()
    void fill()
    changed()
  }

  const lose = (entry: Entry, problem: string) => {
    entry.status = 'lost'
    entry.problem = problem
    const index = entries.indexOf(entry)
    if (index > position) entries = entries.filter((each) => each !== entry)
    else onNotice({ kind: 'lost', entry })
    void fill()
    changed()
  }

  const send = async (entry: Entry, ruling: Ruling) => {
    try {
      entry.review = { ...entry.review, ...(await service.resolve(entry.review.id, ruling)) }
      entry.status = 'resolved'
      onNotice({ kind: 'resolved', entry })
    } catch (error) {
      decided = decided.filter((each) => each !== entry)
      if (left) return giveBack([entry])
      if (service.isLost(error)) return lose(entry, textOf(error))
      entry.status = 'held'
      entry.problem = textOf(error)
      onNotice({ kind: 'failed', entry, error })
    } finally {
      sent.delete(entry.review.id)
    }
    changed()
  }

  const line = {
    entries: (): readonly Entry[] => entries,
    position: () => position,
    current: (): Entry | undefined => entries[position],
    /** Those that come next, the nearest first. */
    upcoming: () => entries.slice(position + 1).filter(({ status }) => status === 'held'),
    /** Waiting for the service to say what is next. */
    isFilling: () => filling,
    failure: () => failure,
    /** In hand again because its decision did not arrive; the first of them. */
    unsaved: () => entries.find(({ status, problem }) => status === 'held' && problem !== undefined),

    /** With the review that was asked for by name, when there is one; it is first even if it cannot be claimed. */
    async start(first?: Review) {
      if (left) return giveBack(first?.claim?.mine ? [enter(first)] : [])
      if (first) entries = [{ ...enter(first), ...(first.claim?.mine ? {} : { status: first.resolution ? 'resolved' : 'lost' }) }]
      await fill()
    },

    decide(ruling: Ruling) {
      const entry = line.current()
      if (entry?.status !== 'held') return
      entry.status = 'sending'
      entry.ruling = ruling
      delete entry.problem
      decided = [...line.undoable().map((each) => each.entry), entry]
      sent.set(entry.review.id, send(entry, ruling))
      moveOn()
    },

    /** Gives it back, and is not handed it again for a while. */
    skip() {
      const entry = line.current()
      if (entry?.status !== 'held') return
      entry.status = 'skipped'
      service.release(entry.review.id, true).catch(() => undefined)
      moveOn()
    },

    forward() {
      position = Math.min(position + 1, entries.length)
      if (position === entries.length) return moveOn()
      void fill()
      changed()
    },

    back() {
      position = Math.max(position - 1, 0)
      changed()
    },

    /** Decisions that can be taken back now, the latest last, with when that ends. */
    undoable(): { entry: Entry; untilMs: number }[] {
      return decided.flatMap((entry) => {
        const until = entry.status === 'sending' ? service.now() + 30_000 : Date.parse(entry.review.resolution?.undo_until ?? '')
        return until > service.now() ? [{ entry, untilMs: until }] : []
      })
    },

    /** Takes the latest decision back and shows its picture again. */
    async undo() {
      const entry = line.undoable().at(-1)?.entry
      if (!entry) return onNotice({ kind: 'cannot-undo' })
      // Asked for again meanwhile, it is the one before that is meant.
      decided = decided.filter((each) => each !== entry)
      await sent.get(entry.review.id)
      if (entry.status !== 'resolved') return
      try {
        const review = await service.undo(entry.review.id)
        entry.review = { ...entry.review, ...review, resolution: undefined } as Review
        delete entry.review.resolution
        if (left) return giveBack([entry])
        entry.status = 'held'
        entry.leaseMs = leaseOf(review)
        position = entries.indexOf(entry)
        onNotice({ kind: 'undone', entry })
      } catch (error) {
        if (!service.isLost(error)) decided = [...decided, entry]
        onNotice({ kind: 'cannot-undo', error })
      }
      changed()
    },

    /** What the feed tells of a review. `me` is not told apart by name: a claim that is ours has the id of our own claims. */
    heard({ id, state, claim }: ReviewChange) {
      if (state === 'open' && !paused) {
        dry = false
        void fill()
      }
      const entry = entries.find(({ review, status }) => review.id === id && status === 'held')
      const mine = entry?.review.claim?.by.id
      if (entry && state === 'claimed' && claim && mine !== undefined && claim.by.id !== mine) lose(entry, claim.by.name)
    },

    /** Asks again after a failure, or when something new may be there. */
    async refill() {
      paused = false
      dry = false
      await fill()
    },

    /** Renews the claims of which less than half is left. */
    async renew() {
      const due = held().filter(
        ({ review, leaseMs }) => review.claim && Date.parse(review.claim.expires_at) - service.now() < leaseMs / 2,
      )
      await Promise.all(
        due.map(async (entry) => {
          try {
            const review = await service.claim(entry.review.id)
            if (entry.status === 'skipped') return giveBack([entry])
            if (entry.status !== 'held') return
            entry.review = { ...entry.review, ...review }
            entry.leaseMs = leaseOf(review)
          } catch (error) {
            if (entry.status === 'held' && service.isLost(error)) lose(entry, textOf(error))
          }
        }),
      )
    },

    /** Looks at one that was passed. */
    show(entry: Entry) {
      position = Math.max(0, entries.indexOf(entry))
      changed()
    },

    /** Gives back what comes next, for a while: `refill` goes on. */
    async pause() {
      paused = true
      dry = true
      const back = held()
      entries = entries.filter((entry) => !back.includes(entry))
      position = entries.length
      changed()
      await giveBack(back)
    },

    /** Gives back whatever is in hand, for good. Decisions that are on their way are waited for. */
    async leave() {
      left = true
      await Promise.allSettled([giveBack(held()), ...sent.values()])
    },
  }
  return line
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
