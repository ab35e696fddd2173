export type RecentValueOptions = {
  /** Between the begins of two readings, at least. */
  everyMs?: number
  /** What was read longer ago says nothing any more. */
  validMs?: number
  now?: () => number
}

/**
 * A value that is read while it is asked for, at most once in `everyMs`, the first time right now. Who asks never waits: the answer is what was read last, and
 * undefined when there is none, because nobody asked for a while or reading fails.
 */
export function recentValue<T>(
  read: () => Promise<T>,
  { everyMs = 1000, validMs = 5000, now = () => performance.now() }: RecentValueOptions = {},
): () => T | undefined {
  let latest: { value: T; at: number } | undefined
  let begunAt = Number.NEGATIVE_INFINITY
  let reading = false

  async function refresh(): Promise<void> {
    reading = true
    begunAt = now()
    try {
      latest = { value: await read(), at: now() }
    } catch {
      // What is not known holds nobody up.
    } finally {
      reading = false
    }
  }

  const ask = () => {
    if (!reading && now() - begunAt >= everyMs) void refresh()
    return latest && now() - latest.at < validMs ? latest.value : undefined
  }
  ask()
  return ask
}
