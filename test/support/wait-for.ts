import { setTimeout as pause } from 'node:timers/promises'

const POLL_MS = 20

type Answer<T> = T | undefined | null | false

/**
 * Asks `condition` until it gives something other than undefined, null or false, and resolves to that. What it throws counts as no.
 * Rejects after `timeoutMs` with `what` was awaited and what came last.
 */
export async function waitFor<T>(
  condition: () => Answer<T> | Promise<Answer<T>>,
  { timeoutMs = 10_000, what }: { timeoutMs?: number; what: string },
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const last = await attempt(condition)
    if ('answer' in last && last.answer !== undefined && last.answer !== null && last.answer !== false) return last.answer
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`, { cause: last })
    await pause(POLL_MS)
  }
}

async function attempt<T>(condition: () => Answer<T> | Promise<Answer<T>>): Promise<{ answer: Answer<T> } | { error: unknown }> {
  try {
    return { answer: await condition() }
  } catch (error) {
    return { error }
  }
}
