import { readFileSync } from 'node:fs'

/** Ticks a second in which Linux counts processor time for every program, whatever the kernel's own rate. */
const TICKS_PER_SECOND = 100

/** Processor time of a process since its start, all its threads, in milliseconds; undefined where /proc does not tell. */
export function cpuMsOf(pid: number): number | undefined {
  const stat = readProc(pid, 'stat')
  if (stat === undefined) return undefined
  // The second field, the name, is in parentheses and may hold anything; user and system time are the 14th and 15th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND
}

/** Memory of a process that is in use now, in bytes; undefined where /proc does not tell. */
export function rssBytesOf(pid: number): number | undefined {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readProc(pid, 'status') ?? '')?.[1]
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024
}

function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    return undefined
  }
}
