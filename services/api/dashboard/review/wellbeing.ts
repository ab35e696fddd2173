import { type Signal, signal } from '@preact/signals'
import type { Verdict } from '../api-types.ts'
import { type BreakLimits, putOff, type SinceBreak } from './due-break.ts'

/** What somebody has done since the browser's tab was opened. Times in milliseconds, of looking at reviews only. */
export type Work = SinceBreak & { approved: number; rejected: number; activeMs: number }

export type Wellbeing = {
  work: Signal<Work>
  /** `by` -1 takes a decision back. */
  count(verdict: Verdict, by?: number): void
  tick(elapsedMs: number): void
  /** A break was taken: minutes and pictures are counted from here. */
  rest(): void
  /** A little more. */
  putOff(limits: BreakLimits): void
}

const NOTHING: Work = { approved: 0, rejected: 0, activeMs: 0, sinceBreakMs: 0, sinceBreakPictures: 0 }
const KEPT_AS = 'pixwarden:work'

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
    putOff: (limits) => set(putOff(work.peek(), limits)),
  }
}

function read(storage: Pick<Storage, 'getItem'>): Partial<Work> {
  try {
    return JSON.parse(storage.getItem(KEPT_AS) ?? '{}')
  } catch {
    return {}
  }
}
