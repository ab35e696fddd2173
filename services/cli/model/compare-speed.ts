import type { Model } from '../../worker/clip/open-model.ts'
import { openVision } from '../../worker/clip/open-vision.ts'
import type { VisionSession } from '../../worker/clip/vision-session.ts'

const ROUNDS = 5
const BATCH = 8

/** How many times as fast as `one` the image side of `other` is on one thread, by the best of a few rounds that take turns. */
export async function timesAsFast(one: Model, other: Model, graphDir: string): Promise<number> {
  const sessions = await Promise.all([one, other].map((model) => openVision(model, { threads: 1, graphDir })))
  const best = sessions.map(() => Number.POSITIVE_INFINITY)
  for (let round = 0; round < ROUNDS; round++)
    for (const [index, session] of sessions.entries())
      best[index] = Math.min(best[index] as number, await msOf(session, one.preprocessing))
  await Promise.all(sessions.map((session) => session.release()))
  const [oneMs = Number.NaN, otherMs = Number.NaN] = best
  return oneMs / otherMs
}

async function msOf(session: VisionSession, { width, height }: Model['preprocessing']): Promise<number> {
  const views = Array.from({ length: BATCH }, (_, view) =>
    Uint8Array.from({ length: 3 * width * height }, (_, index) => (index * (7919 + view)) % 256),
  )
  const startedAt = performance.now()
  await session.embed(views)
  return performance.now() - startedAt
}
