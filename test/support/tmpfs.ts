import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

export type Tmpfs = { dir: string; unmount(): void }

/** A file system of its own with `kiB` of room, in memory. Throws where mounting is not allowed. */
export function mountTmpfs(kiB: number): Tmpfs {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'pixwarden-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kiB}k,mode=0700`, 'tmpfs', dir], { stdio: 'pipe' })
  } catch (error) {
    rmdirSync(dir)
    throw error
  }
  return {
    dir,
    unmount() {
      execFileSync('umount', ['--lazy', dir])
      rmdirSync(dir)
    },
  }
}

/** Why no file system can be mounted here; undefined where one can. */
export function whyNoTmpfs(): string | undefined {
  try {
    mountTmpfs(64).unmount()
    return undefined
  } catch (error) {
    return `no file system can be mounted: ${(error as Error).message.trim().split('\n').at(-1)}`
  }
}
