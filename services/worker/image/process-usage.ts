import { closeSync, openSync, readFileSync, readSync } from 'node:fs'

/** Processor time since the start of a process, all its threads, and the memory that it uses now. */
export type Usage = { cpuMs: number; rssBytes: number }

export type UsageReader = {
  /** Undefined where /proc does not tell, or when the process has ended. */
  read(): Usage | undefined
  close(): void
}

/** Ticks a second in which Linux counts processor time for every program, whatever the kernel's own rate. */
const TICKS_PER_SECOND = 100
const LONGEST_STAT = 1024

/** Reads what a process uses, in few microseconds: the file stays open, and is this process's even when its id is given to another. */
export function openUsage(pid: number): UsageReader {
  const file = attempt(() => openSync(`/proc/${pid}/stat`, 'r'))
  const buffer = Buffer.alloc(LONGEST_STAT)
  const bytesPerPage = file === undefined ? 0 : pageSize()
  return {
    read: () =>
      attempt(() => {
        if (file === undefined) return undefined
        const { ticks, pages } = parse(buffer.toString('latin1', 0, readSync(file, buffer, 0, LONGEST_STAT, 0)))
        return { cpuMs: (ticks * 1000) / TICKS_PER_SECOND, rssBytes: pages * bytesPerPage }
      }),
    close: () => {
      if (file !== undefined) closeSync(file)
    },
  }
}

/** The second field, the name, is in parentheses and may hold anything; user and system time are the 14th and 15th, memory the 24th. */
function parse(stat: string): { ticks: number; pages: number } {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { ticks: Number(fields[11]) + Number(fields[12]), pages: Number(fields[21]) }
}

/** A power of two, from what this process is said to use in bytes and in pages. */
function pageSize(): number {
  const { pages } = parse(readFileSync('/proc/self/stat', 'latin1'))
  return 2 ** Math.round(Math.log2(process.memoryUsage.rss() / pages))
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
