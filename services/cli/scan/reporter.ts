import type { Finished } from './judge-found.ts'
import type { Tally } from './tally.ts'

/** Shows results in the order in which they are added. */
export type Reporter = {
  add(finished: Finished): Promise<void>
  /** `interrupted`: files are missing. */
  finish(tally: Tally, how: { interrupted: boolean }): Promise<void>
  /** Clears away what is left of it, finished or not. */
  close?(): Promise<void>
  /** Whether results are printed as they come, so that a progress bar on the same terminal would be in the way. */
  streams: boolean
}
