/** A reading rests for this many times as long as it took: so it keeps at most a twentieth of a connection busy, whoever asks how often. */
const REST = 20
const LEAST_REST_MS = 500

export type SharedReadingsOptions = {
  /** Values that are kept at once; the oldest goes first. */
  most: number
  now?: () => number
}

/** Gives what `read` gave last under a key while that is recent, and else reads anew: once, however many ask at that moment. What fails is not kept. */
export type SharedReadings<T> = (key: string, read: () => Promise<T>) => Promise<T>

export function shareReadings<T>({ most, now = () => performance.now() }: SharedReadingsOptions): SharedReadings<T> {
  const kept = new Map<string, { value: Promise<T>; until: number }>()

  async function begin(key: string, read: () => Promise<T>): Promise<T> {
    const startedAt = now()
    const entry = { value: read(), until: Number.POSITIVE_INFINITY }
    kept.delete(key)
    kept.set(key, entry)
    for (const oldest of kept.keys()) {
      if (kept.size <= most) break
      kept.delete(oldest)
    }
    try {
      const value = await entry.value
      const endedAt = now()
      entry.until = endedAt + Math.max(LEAST_REST_MS, REST * (endedAt - startedAt))
      return value
    } catch (error) {
      if (kept.get(key) === entry) kept.delete(key)
      throw error
    }
  }

  return async (key, read) => {
    const recent = kept.get(key)
    return recent && now() < recent.until ? recent.value : begin(key, read)
  }
}
