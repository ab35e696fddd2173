const MARGIN = 1.5

/**
 * Tells, before each step of some work, whether the processor time of this process lets it go on. The next is taken to cost more than
 * the costliest before, since the decoder of an animation begins each frame at the first.
 */
export function createCpuBudget(limitMs: number): () => boolean {
  const start = process.cpuUsage()
  let usedMs = 0
  let costliestMs = 0
  return () => {
    const { user, system } = process.cpuUsage(start)
    const nowMs = (user + system) / 1000
    costliestMs = Math.max(costliestMs, nowMs - usedMs)
    usedMs = nowMs
    return usedMs + MARGIN * costliestMs <= limitMs
  }
}
