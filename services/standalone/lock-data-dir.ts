import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { AppError } from '../core/domain/errors.ts'
import { isRunning, startOf } from '../core/infra/running-process.ts'

const ATTEMPTS = 5

/** `inherited`: the last holder was killed, so that processes of its may still be on their way out. */
export type DataDirLock = { inherited: boolean; release(): Promise<void> }

/**
 * Keeps a data directory to this process until it ends or releases it; a holder that was killed holds nothing.
 * Throws AppError `invalid-config` when another process has it.
 */
export async function lockDataDir(dataDir: string): Promise<DataDirLock> {
  const lock = path.join(dataDir, 'standalone.lock')
  const mine = `${lock}.${process.pid}`
  await writeFile(mine, `${process.pid} ${startOf(process.pid)}`)
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (await take(mine, lock)) return { inherited: attempt > 0, release: () => rm(lock, { force: true }) }
      const holder = await readFile(lock, 'utf8').catch(() => '')
      if (isAlive(holder))
        throw new AppError(
          'invalid-config',
          `${dataDir} is in use by process ${Number.parseInt(holder, 10)}: stop it, or set PIXWARDEN_DATA_DIR`,
        )
      await removeStale(lock, holder, `${mine}.stale`)
    }
    throw new AppError('invalid-config', `${lock} cannot be taken: others try it too`)
  } finally {
    await rm(mine, { force: true })
  }
}

/** A link appears with its content at once, and to one process only. */
async function take(mine: string, lock: string): Promise<boolean> {
  try {
    await link(mine, lock)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Process ids are used again: the holder is the process of that id that began at that time. */
function isAlive(holder: string): boolean {
  const [, pid, start] = /^(\d+) (.*)$/.exec(holder) ?? []
  return pid !== undefined && isRunning(Number(pid)) && String(startOf(Number(pid))) === start
}

/** Between our look and our grasp another process may have taken the lock: then it gets it back. */
async function removeStale(lock: string, holder: string, aside: string): Promise<void> {
  try {
    await rename(lock, aside)
    if ((await readFile(aside, 'utf8')) !== holder) await link(aside, lock)
  } catch (error) {
    if (!['ENOENT', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  } finally {
    await rm(aside, { force: true })
  }
}
