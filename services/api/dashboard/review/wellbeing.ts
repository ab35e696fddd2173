import { type Signal, signal } from '@preact/signals'
import type { Verdict } from '../api-types.ts'

/** What somebody has done since the browser's tab was opened. Times in milliseconds, of looking at reviews only. */
export type Work = {
  approved: number
  rejected: number
  activeMs: number
  sinceBreakMs: number
  sinceBreakPictures: number
}

export type Wellbeing = {
  work: Signal<Work>
  /** `by` -1 takes a decision back. */
  count(verdict: Verdict, by?: number): void
  tick(elapsedMs: number): void
  /** A break was taken: minutes and pictures are counted from here. */
  rest(): void
  /** A little more: a break is due again five minutes, or ten pictures, after its limit. */
  putOff(limits: BreakLimits): void
}

/** 0 is no limit. */
export type BreakLimits = { breakMinutes: number; breakPictures: number }

const MORE_MINUTES = 5
const MORE_PICTURES = 10
const NOTHING: Work = { approved: 0, rejected: 0, activeMs: 0, sinceBreakMs: 0, sinceBreakPictures: 0 }
const KEPT_AS = 'pixwarden:work'

/** Which of its limits the work since the last break has reached. */
export function dueBreak(work: Work, limits: BreakLimits): 'minutes' | 'pictures' | undefined {
  if (limits.breakMinutes > 0 && work.sinceBreakMs >= limits.breakMinutes * 60_000) return 'minutes'
  if (limits.breakPictures > 0 && work.sinceBreakPictures >= limits.breakPictures) return 'pictures'
  return undefined
}

export function createWellbeing(storage: Pick<Storage, 'getItem' | 'setItem'>): Wellbeing {
  const work = signal<Work>({ ...NOTHING, ...read(storage) })
  const set = (change: Partial<Work>) => {
    work.value = { ...work.peek(), ...change }
    storage.setItem(KEPT_AS, JSON.stringify(work.peek()))
  }
  return {
    work,
    count(verdict, by = 1) {
      const { approved, rejected, sinceBreakPictures } = work.peek()
      set({
        sinceBreakPictures: Math.max(0, sinceBreakPictures + by),
        ...(verdict === 'approve' ? { approved: approved + by } : { rejected: rejected + by }),
      })
    },
    tick(elapsedMs) {
      const { activeMs, sinceBreakMs } = work.peek()
      set({ activeMs: activeMs + elapsedMs, sinceBreakMs: sinceBreakMs + elapsedMs })
    },
    rest: () => set({ sinceBreakMs: 0, sinceBreakPictures: 0 }),
    putOff({ breakMinutes, breakPictures }) {
      const { sinceBreakMs, sinceBreakPictures } = work.peek()
      set({
        sinceBreakMs: Math.min(sinceBreakMs, Math.max(0, breakMinutes - MORE_MINUTES) * 60_000),
        sinceBreakPictures: Math.min(sinceBreakPictures, Math.max(0, breakPictures - MORE_PICTURES)),
      })
    },
  }
}

function read(storage: Pick<Storage, 'getItem'>): Partial<Work> {
  try {
    return JSON.parse(storage.getItem(KEPT_AS) ?? '{}')
  } catch {
    return {}
  }
}
