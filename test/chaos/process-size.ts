import { readdirSync, readFileSync } from 'node:fs'

/** One process, or several that are looked at as one. */
export type Part = { name: string; pids: () => number[] }

/** The resident memory of processes together, and their open handles (Linux: /proc). */
export function readProcess(pids: number[]): { rssMb: number; handles: number } {
  let rssMb = 0
  let handles = 0
  for (const pid of pids) {
    const size = sizeOf(pid)
    rssMb += size?.rssMb ?? 0
    handles += size?.handles ?? 0
  }
  return { rssMb, handles }
}

function sizeOf(pid: number): { rssMb: number; handles: number } | undefined {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return { rssMb: Number(kilobytes) / 1000, handles: readdirSync(`/proc/${pid}/fd`).length }
  } catch {
    return undefined
  }
}
