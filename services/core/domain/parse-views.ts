import { z } from 'zod'
import { FEWEST_FRAMES, MOST_FRAMES, type PolicyViews } from './views.ts'

const FRAMES = /^frames:(\d{1,4})$/
const NEEDED = 'full, tiles, frames:8 or a list of these is needed'
const IN_RANGE = `frames:${FEWEST_FRAMES} to frames:${MOST_FRAMES} can be asked for; full has 2`

const name = z.string(NEEDED).superRefine((text, context) => {
  const [, frames] = FRAMES.exec(text) ?? []
  if (frames === undefined) {
    if (text !== 'full' && text !== 'tiles') context.addIssue({ code: 'custom', message: NEEDED })
  } else if (Number(frames) < FEWEST_FRAMES || Number(frames) > MOST_FRAMES)
    context.addIssue({ code: 'custom', message: IN_RANGE })
})

const names = z
  .array(name, NEEDED)
  .min(1, NEEDED)
  .superRefine((list, context) => {
    const kinds = list.map((text) => (FRAMES.test(text) ? 'frames' : text))
    for (const [index, kind] of kinds.entries())
      if (kinds.indexOf(kind) !== index) context.addIssue({ code: 'custom', path: [index], message: `${kind} is there twice` })
  })

/** `full`, `tiles`, `frames:N` or a list of them. undefined for what is no more than `full`, which every policy has. */
export const policyViews = z
  .preprocess((value) => (typeof value === 'string' ? [value] : value), names)
  .transform((list): PolicyViews | undefined => {
    const frames = list.flatMap((text) => FRAMES.exec(text)?.[1] ?? [])[0]
    const views = { tiles: list.includes('tiles'), ...(frames !== undefined && { frames: Number(frames) }) }
    return views.tiles || frames !== undefined ? views : undefined
  })
