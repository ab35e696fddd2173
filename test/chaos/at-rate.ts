import { setTimeout as pause } from 'node:timers/promises'

/** Begins `work` `count` times, `perSecond` times a second whether or not earlier ones have ended, and waits for all of them. */
export async function atRate<T>(perSecond: number, count: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const beganAt = performance.now()
  const begun: Promise<T>[] = []
  while (begun.length < count) {
    const due = Math.min(count, Math.floor(((performance.now() - beganAt) * perSecond) / 1000) + 1)
    while (begun.length < due) begun.push(work(begun.length))
    await pause(Math.min(1000 / perSecond, 20))
  }
  return Promise.all(begun)
}
