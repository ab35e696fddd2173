import type { Review, Verdict } from '../api-types.ts'

export type Ruling = { action: Verdict; reason_code: string; note?: string }

/** A review in hand, or that was. `lost`: somebody else has it or resolved it, or its upload was erased. */
export type Entry = {
  review: Review
  status: 'held' | 'sending' | 'resolved' | 'skipped' | 'lost'
  /** What it was resolved with here. */
  ruling?: Ruling
  /** The service's refusal, in its words, or who has it. */
  problem?: string
  /** How long its claim lasts, in milliseconds, from when it was made or renewed. */
  leaseMs: number
}

/** What a line of reviews tells of. */
export type Notice =
  | { kind: 'resolved'; entry: Entry }
  | { kind: 'lost'; entry: Entry }
  | { kind: 'failed'; entry: Entry; error: unknown }
  | { kind: 'undone'; entry: Entry }
  | { kind: 'cannot-undo'; error?: unknown }

/** What the service is asked for. Refusals reject. */
export type LineService = {
  next(count: number): Promise<Review[]>
  claim(id: string): Promise<Review>
  release(id: string, skip: boolean): Promise<unknown>
  resolve(id: string, ruling: Ruling): Promise<Review>
  undo(id: string): Promise<Review>
  /** Milliseconds since the epoch, by the service's clock. */
  now(): number
  /** Whether a refusal is for good: the review is somebody else's or gone, or it is too late. Otherwise asking again may help. */
  isLost(error: unknown): boolean
}
