import { randomUUID } from 'node:crypto'
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import os from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { isRunning } from './is-running.ts'

const HEARTBEAT_MS = 5000
/** Long enough for a process that was held up, and for clocks of hosts that share a disk. */
const STALE_MS = 60_000
const POLL_MS = 200

export type FileLock = { release(): Promise<void> }

/**
 * Waits until nobody else has `file`, and keeps it until it is released; a holder that died is known by its process, or by the age of the file.
 * It saves two processes the same work: what must not happen twice cannot rest on it.
 */
export async function takeFileLock(
  file: string,
  { onWait, signal }: { onWait?: (() => void) | undefined; signal?: AbortSignal | undefined } = {},
): Promise<FileLock> {
  const mine = `${file}.${randomUUID()}`
  await writeFile(mine, `${process.pid} ${os.hostname()}`)
  try {
    for (let waited = false; !(await take(mine, file)); ) {
      if (await isStale(file)) {
        await rename(file, `${mine}.stale`).catch(() => {})
        await rm(`${mine}.stale`, { force: true })
        continue
      }
      if (!waited) onWait?.()
      waited = true
      await delay(POLL_MS, undefined, signal && { signal })
    }
  } finally {
    await rm(mine, { force: true })
  }
  const beat = setInterval(() => utimes(file, new Date(), new Date()).catch(() => {}), HEARTBEAT_MS).unref()
  return {
    async release() {
      clearInterval(beat)
      await rm(file, { force: true })
    },
  }
}

/** A link appears with its content at once, and to one process only. */
async function take(mine: string, file: string): Promise<boolean> {
  return link(mine, file).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false
      throw error
    },
  )
}

async function isStale(file: string): Promise<boolean> {
  const [holder, age] = await Promise.all([readFile(file, 'utf8').catch(() => ''), ageOf(file)])
  if (age === undefined) return false
  const [, pid, host] = /^(\d+) (.*)$/.exec(holder) ?? []
  return age > STALE_MS || (host === os.hostname() && pid !== undefined && !isRunning(Number(pid)))
}

async function ageOf(file: string): Promise<number | undefined> {
  return stat(file).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => undefined,
  )
}
