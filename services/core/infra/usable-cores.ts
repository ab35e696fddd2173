import { readFileSync } from 'node:fs'
import os from 'node:os'

/** Of version 2 of control groups: microseconds of processor time, or `max`, in so many microseconds. */
const QUOTA = '/sys/fs/cgroup/cpu.max'

/** Cores that this process may keep busy: those that it may run on, or what the quota of its container amounts to, at least 1. */
export function usableCores({ available = os.availableParallelism(), quotaFile = QUOTA } = {}): number {
  return Math.max(1, Math.min(available, Math.floor(quotaOf(quotaFile))))
}

function quotaOf(file: string): number {
  const [, quota, period] = /^(\d+) (\d+)$/m.exec(textOf(file)) ?? []
  return quota === undefined ? Number.POSITIVE_INFINITY : Number(quota) / Number(period)
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
