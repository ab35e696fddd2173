import type { Ratio } from '../bench/report.ts'
import type { ThrowawayPostgres } from '../support/throwaway-postgres.ts'

export type Setting = {
  /** Small counts, and goals in time that also hold on a machine that is busy with others. */
  short: boolean
  /** Instead of each trial's own number. */
  uploads: number | undefined
  /** Of the soak. */
  minutes: number
  /** With fsync on: what it has committed is to outlive its death. */
  postgres: ThrowawayPostgres
}

export type Outcome = {
  goals: Ratio[]
  figures: Record<string, unknown>
  /** Of the processes, when a goal is missed: what they logged as errors. */
  errors: string[]
}

export type Trial = {
  name: string
  /** What is done to the service, in a line. */
  what: string
  /** In short runs and full ones, in full ones, or only when it is named. */
  when: 'short' | 'full' | 'named'
  /** It kills what all trials share. */
  alone?: boolean
  run(setting: Setting): Promise<Outcome>
}

/** How much longer than in earnest anything may take in a short run. Counts are as strict. */
const SHORT_PATIENCE = 10

/** A goal in time, in whatever unit. */
export function atMost(name: string, value: number, goal: number, { short }: Setting): Ratio {
  return short
    ? { name: `${name} (short: ${SHORT_PATIENCE} × ${goal})`, value, goal: SHORT_PATIENCE * goal, direction: 'max' }
    : { name, value, goal, direction: 'max' }
}

/** A goal that no machine is an excuse for. */
export function none(name: string, value: number): Ratio {
  return { name, value, goal: 0, direction: 'max' }
}
