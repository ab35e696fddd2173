import { setTimeout as pause } from 'node:timers/promises'

const POLL_MS = 20

/** Asks until `condition` holds, or `timeoutMs` have passed: then false. */
export async function until(condition: () => boolean | Promise<boolean>, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > deadline) return false
    await pause(POLL_MS)
  }
  return true
}
