import { randomUUID } from 'node:crypto'
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import os from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { isRunning, startOf } from './running-process.ts'

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
  await writeFile(mine, `${process.pid} ${os.hostname()} ${startOf(process.pid)}`)
  try {
    for (let waited = false; !(await take(mine, file)); ) {
      if ((await isStale(file)) && (await setAside(file, `${mine}.stale`))) continue
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
  return age !== undefined && (age > STALE_MS || isOfTheDead(holder))
}

/** Ids are used again, and at once where a container starts anew: the holder is the process of that id that began at that time, where that can be seen. */
function isOfTheDead(holder: string): boolean {
  const [, pid, host, start] = /^(\d+) (\S+) (.*)$/.exec(holder) ?? []
  if (pid === undefined || host !== os.hostname()) return false
  const began = startOf(Number(pid))
  return !isRunning(Number(pid)) || (began !== undefined && began !== start)
}

/** Whether it is out of the way: in a folder of others it may stay where it is. */
async function setAside(file: string, aside: string): Promise<boolean> {
  const isAside = await rename(file, aside).then(
    () => true,
    () => false,
  )
  await rm(aside, { force: true })
  return isAside
}

async function ageOf(file: string): Promise<number | undefined> {
  return stat(file).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => undefined,
  )
}
