/** Seconds between one attempt at a delivery and the next. After the last the delivery is dead: it waits for a person. */
export const RETRY_SECONDS: readonly number[] = [
  5,
  5 * 60,
  30 * 60,
  2 * 3600,
  5 * 3600,
  10 * 3600,
  14 * 3600,
  20 * 3600,
  24 * 3600,
]

/** An endpoint that has failed so often in a row is only probed: one delivery at a time, with growing pauses in between. */
export const PROBING_FROM_FAILURES = 8

/** Of a pause is added or taken away at random, so that what failed together is not tried again together. */
const JITTER = 0.1

/** How an attempt ended, as far as it was answered. `retryAfterMs` is what the answer asked for. */
export type Answer = { status?: number; retryAfterMs?: number | undefined }

/** What was so before the attempt: earlier attempts at this delivery, and the endpoint's consecutive failures. */
export type Before = { attempts: number; failures: number }

/** What becomes of a delivery after an attempt, and how long its endpoint is left alone. Pauses are in milliseconds. */
export type NextStep =
  | { kind: 'delivered' }
  | { kind: 'retry'; pauseMs: number; endpointPauseMs: number }
  | { kind: 'dead'; endpointPauseMs: number }
  /** The endpoint is gone for good, and says so. */
  | { kind: 'gone' }

/** `random` is from [0, 1). Only a 2xx answer is a delivery; a redirect is not followed, and is a failure. */
export function afterAttempt(answer: Answer, before: Before, schedule: readonly number[], random: number): NextStep {
  const { status = 0, retryAfterMs = 0 } = answer
  if (status >= 200 && status < 300) return { kind: 'delivered' }
  if (status === 410) return { kind: 'gone' }
  const askedMs = status === 429 || status === 503 ? retryAfterMs : 0
  const endpointPauseMs = Math.max(askedMs, probePauseMs(before.failures + 1, schedule))
  const pauseMs = retryPauseMs(before.attempts + 1, schedule, random)
  if (pauseMs === undefined) return { kind: 'dead', endpointPauseMs }
  return { kind: 'retry', pauseMs: Math.max(pauseMs, askedMs), endpointPauseMs }
}

/** The pause after the `attempts`th failure, 1 or more; undefined when it was the last. */
export function retryPauseMs(attempts: number, schedule: readonly number[], random: number): number | undefined {
  const seconds = schedule[attempts - 1]
  return seconds === undefined ? undefined : Math.round(seconds * 1000 * (1 + JITTER * (2 * random - 1)))
}

/** From the schedule's first pause it doubles up to its second, so that whoever is back is found out soon. 0 for an endpoint that is not yet only probed. */
function probePauseMs(failures: number, schedule: readonly number[]): number {
  if (failures < PROBING_FROM_FAILURES) return 0
  const [first = 0, longest = first] = schedule
  return 1000 * Math.min(first * 2 ** Math.min(failures - PROBING_FROM_FAILURES, 30), longest)
}
