import type { Action } from '../../../core/domain/policy.ts'
import { barPlace } from './scale.ts'

/** From the base upwards: what is rare, and looked for, stands on common ground, where heights can be compared. */
export const STACK = ['reject', 'flag', 'approve'] as const satisfies Action[]

/** How often each action was taken in a span of time; an action that is not drawn is absent. */
export type Counts = Partial<Record<Action, number>>

/** The least height of what happened at all, in pixels: one rejection among a thousand approvals must be seen. */
const LEAST_HEIGHT = 2

/** The bars of each action as one SVG path, stacked in a plot whose base line is at `height` and whose top is `max`. In whole pixels, with a gap between layers. */
export function stackBars(
  points: Counts[],
  { width, height, max }: { width: number; height: number; max: number },
): Record<Action, string> {
  const paths: Record<Action, string> = { approve: '', flag: '', reject: '' }
  points.forEach((counts, index) => {
    const place = barPlace(index, points.length, width)
    let base = height
    for (const action of STACK) {
      const count = counts[action] ?? 0
      if (count === 0) continue
      const tall = Math.max(LEAST_HEIGHT, Math.round((count / max) * height))
      paths[action] += `M${place.x} ${base}h${place.width}v${-tall}h${-place.width}z`
      base -= tall + 1
    }
  })
  return paths
}

export function sumOf({ approve = 0, flag = 0, reject = 0 }: Counts): number {
  return approve + flag + reject
}

/** All spans taken together. */
export function totalsOf(points: Counts[]): Required<Counts> {
  return points.reduce<Required<Counts>>(
    (sum, { approve = 0, flag = 0, reject = 0 }) => ({
      approve: sum.approve + approve,
      flag: sum.flag + flag,
      reject: sum.reject + reject,
    }),
    { approve: 0, flag: 0, reject: 0 },
  )
}
