import type { ReviewOrigin } from './review.ts'

/** Which reviews: `policy` is among the reason codes of the upload. */
export type ReviewFilter = { policy?: string | undefined; source?: string | undefined; origin?: ReviewOrigin | undefined }

export type SavedQueue = { name: string; filter: ReviewFilter }

/** A name for some of the open reviews, and how many these are. */
export type QueueView = SavedQueue & { saved: boolean; open: number; oldest_opened_at?: string }

/** Open reviews that no filter tells apart. */
export type OpenGroup = { policies: string[]; source?: string | undefined; origin: ReviewOrigin; open: number; oldest: Date }

/** The queue of everything. */
export const ALL = 'all'

/** What people may call a queue of theirs: no colon, which the names below have. */
export const QUEUE_NAME = /^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,63}$/u

const POLICY = 'policy:'
const SOURCE = 'source:'

/** Of sources, which platforms name as they like, the longest queues are told. */
const MOST_SOURCES = 50

/** The filter of a queue that nobody has saved: everything, or the open reviews of a policy or a source. */
export function filterOfName(name: string): ReviewFilter | undefined {
  if (name === ALL) return {}
  if (name.startsWith(POLICY)) return { policy: name.slice(POLICY.length) }
  if (name.startsWith(SOURCE)) return { source: name.slice(SOURCE.length) }
  return undefined
}

/** Everything first, then what people have saved, then each policy and each source that has open reviews. */
export function queuesOf(groups: OpenGroup[], saved: SavedQueue[]): QueueView[] {
  const count = (own: OpenGroup[], filter: ReviewFilter, name: string, isSaved = false) =>
    countIn(own, { name, filter, saved: isSaved })
  const policies = groupsBy(groups, ({ policies }) => policies)
  const sources = groupsBy(groups, ({ source }) => (source === undefined ? [] : [source]))
  return [
    count(groups, {}, ALL),
    ...saved.map(({ name, filter }) => count(matching(groups, filter), filter, name, true)),
    ...policies.map(([policy, own]) => count(own, { policy }, `${POLICY}${policy}`)),
    ...longest(sources.map(([source, own]) => count(own, { source }, `${SOURCE}${source}`))),
  ]
}

/** By name, sorted: in one pass, for there may be as many sources as there are reviews. */
function groupsBy(groups: OpenGroup[], namesOf: (group: OpenGroup) => string[]): [name: string, own: OpenGroup[]][] {
  const found = new Map<string, OpenGroup[]>()
  for (const group of groups)
    for (const name of namesOf(group)) {
      const own = found.get(name)
      if (own) own.push(group)
      else found.set(name, [group])
    }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1))
}

function countIn(groups: OpenGroup[], queue: SavedQueue & { saved: boolean }): QueueView {
  const [first, ...others] = groups.map(({ oldest }) => oldest)
  const oldest = first && others.reduce((a, b) => (b < a ? b : a), first)
  const open = groups.reduce((sum, group) => sum + group.open, 0)
  return { ...queue, open, ...(oldest && { oldest_opened_at: oldest.toISOString() }) }
}

function matching(groups: OpenGroup[], { policy, source, origin }: ReviewFilter): OpenGroup[] {
  return groups.filter(
    (group) =>
      (policy === undefined || group.policies.includes(policy)) &&
      (source === undefined || group.source === source) &&
      (origin === undefined || group.origin === origin),
  )
}

function longest(queues: QueueView[]): QueueView[] {
  if (queues.length <= MOST_SOURCES) return queues
  return queues.toSorted((a, b) => b.open - a.open).slice(0, MOST_SOURCES)
}
