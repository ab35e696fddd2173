import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Whether this system lets tests look for processes; where not, those that must are skipped, loudly. */
export function procMissing(): boolean {
  if (process.platform === 'linux') return false
  console.warn('SKIPPED: there is no /proc on this system; the tests that look for processes do not run')
  return true
}

/** The decoders that a process has started and that live. */
export function decodersOf(parent: number): number[] {
  return pids().filter((pid) => {
    try {
      const [state, parentPid] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? []
      return Number(parentPid) === parent && state !== 'Z' && readFileSync(`/proc/${pid}/cmdline`).includes('decode-child')
    } catch {
      return false
    }
  })
}

export function isAlive(pid: number): boolean {
  return pids().includes(pid)
}

/** The decoder that has a file open. */
export function decoderOpening(file: string): number | undefined {
  return decodersOf(process.pid).find((pid) => {
    try {
      return readdirSync(`/proc/${pid}/fd`).some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === file)
    } catch {
      return false
    }
  })
}

function pids(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger)
}
