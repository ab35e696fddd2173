import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '../../domain/errors.ts'
import { PassingProblem } from './hub-problems.ts'

/** Pauses before each further attempt, in milliseconds. */
export type RetryPauses = readonly number[]

export const RETRY_PAUSES: RetryPauses = [500, 1000, 2000, 4000, 8000]
const LONGEST_WAIT_MS = 60_000

export type RetryOptions = {
  pauses: RetryPauses
  /** Grows while something is achieved: then the pauses begin anew. */
  progress?: () => Promise<number>
  signal?: AbortSignal | undefined
}

/**
 * Runs `work` again, after pauses that grow, for as long as its problems are passing ones. Throws what is no passing problem, and AppError
 * `fetch-failed` for the one that is left when the pauses are used up.
 */
export async function withRetries<T>(work: () => Promise<T>, { pauses, progress, signal }: RetryOptions): Promise<T> {
  let reached = await progress?.()
  for (let failures = 0; ; failures++) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof PassingProblem)) throw error
      const now = await progress?.()
      if (now !== undefined && reached !== undefined && now > reached) failures = 0
      reached = now
      const pauseMs = pauses[failures]
      if (pauseMs === undefined)
        throw new AppError('fetch-failed', `${error.message}; tried ${failures + 1} times`, { cause: error })
      await delay(Math.min(Math.max(pauseMs, error.waitMs ?? 0), LONGEST_WAIT_MS), undefined, signal && { signal })
    }
  }
}
