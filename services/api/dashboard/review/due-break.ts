/** What was done since the last break. */
export type SinceBreak = { sinceBreakMs: number; sinceBreakPictures: number }

/** 0 is no limit. */
export type BreakLimits = { breakMinutes: number; breakPictures: number }

const MORE_MS = 5 * 60_000
const MORE_PICTURES = 10

/** Which of its limits the work since the last break has reached. */
export function dueBreak(
  { sinceBreakMs, sinceBreakPictures }: SinceBreak,
  limits: BreakLimits,
): 'minutes' | 'pictures' | undefined {
  if (limits.breakMinutes > 0 && sinceBreakMs >= limits.breakMinutes * 60_000) return 'minutes'
  if (limits.breakPictures > 0 && sinceBreakPictures >= limits.breakPictures) return 'pictures'
  return undefined
}

/** A break that is put off is due again after five minutes, or ten pictures. */
export function putOff(
  { sinceBreakMs, sinceBreakPictures }: SinceBreak,
  { breakMinutes, breakPictures }: BreakLimits,
): SinceBreak {
  return {
    sinceBreakMs: atMost(sinceBreakMs, breakMinutes * 60_000, MORE_MS),
    sinceBreakPictures: atMost(sinceBreakPictures, breakPictures, MORE_PICTURES),
  }
}

function atMost(done: number, limit: number, more: number): number {
  return limit > 0 ? Math.min(done, Math.max(0, limit - more)) : done
}
