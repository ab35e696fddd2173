/** What a policy is judged by besides the whole picture and, of an animation, the first and the middle frame. */
export type PolicyViews = {
  /** The first frame in overlapping squares, when it is large. */
  tiles: boolean
  /** So many frames, evenly across an animation. */
  frames?: number | undefined
}

/** What several policies are judged by together. */
export type AskedViews = { tiles: boolean; frames: readonly number[] }

type Asking = { views?: PolicyViews | undefined }

/** Of which the first and the middle one are always there. */
export const FEWEST_FRAMES = 3
export const MOST_FRAMES = 32

export function askedViews(policies: readonly Asking[]): AskedViews {
  const frames = policies.flatMap(({ views }) => views?.frames ?? [])
  return { tiles: policies.some(({ views }) => views?.tiles), frames: [...new Set(frames)].sort((a, b) => a - b) }
}

/** As policies name them; `full` where nothing more is asked for. */
export function viewNames(views: PolicyViews | undefined): string[] {
  const names = [...(views?.tiles ? ['tiles'] : []), ...(views?.frames === undefined ? [] : [`frames:${views.frames}`])]
  return names.length > 0 ? names : ['full']
}

/** Frames of an animation of `count`, numbered from 0, that are seen: the first, the middle one, and those that were asked for, in their order. */
export function framesSeen(count: number, asked: AskedViews['frames']): number[] {
  const evenly = (frames: number) => Array.from({ length: frames }, (_, i) => Math.floor((i * count) / frames))
  return [...new Set([2, ...asked].flatMap(evenly))].sort((a, b) => a - b)
}

/**
 * Those of an image's views by which a policy is judged, whatever others have asked for. `frames`: how many the animation has;
 * where that is not known any more, the names of its views must tell: see `likelyFrames`.
 */
export function viewsFor<T extends { view: string }>({ views }: Asking, of: T[], frames: number): T[] {
  const seen = framesSeen(frames, views?.frames === undefined ? [] : [views.frames])
  return of.filter(({ view }) => {
    const frame = frameOf(view)
    return frame === undefined ? views?.tiles || !isTile(view) : seen.includes(frame)
  })
}

export function isTile(view: string): boolean {
  return view.startsWith('tile-')
}

/** The number of the later frame that a view shows; undefined for views of the first. */
export function frameOf(view: string): number | undefined {
  const [, frame] = /^frame-(\d+)/.exec(view) ?? []
  return frame === undefined ? undefined : Number(frame)
}

/**
 * How many frames an animation has of which only views are left, made when `asked` was: one of them is the middle, and with as many frames as that says, all of
 * them would have been seen. It may be wrong where views are missing or others are asked for by now, and by one where an odd number is asked for of one frame more; 1 when nothing fits, so that the first frame stands alone.
 */
export function likelyFrames(views: readonly { view: string }[], asked: AskedViews['frames']): number {
  const later = views.flatMap(({ view }) => frameOf(view) ?? [])
  const counts = later.flatMap((middle) => [2 * middle, 2 * middle + 1])
  return counts.find((count) => later.every((frame) => framesSeen(count, asked).includes(frame))) ?? 1
}
