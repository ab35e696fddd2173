import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { takeFileLock } from '../../services/core/infra/file-lock.ts'
import { skipLoudly } from '../support/skip-loudly.ts'
import { mountTmpfs, whyNoTmpfs } from '../support/tmpfs.ts'

let dir: string
let file: string
beforeEach(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'file-lock-'))
  file = path.join(dir, 'a.lock')
})
afterEach(() => rm(dir, { recursive: true }))

test('a lock is one holder’s at a time, and nothing is left of it', async () => {
  const first = await takeFileLock(file)
  const onWait = vi.fn()
  const second = takeFileLock(file, { onWait })
  await vi.waitFor(() => expect(onWait).toHaveBeenCalledOnce())
  await first.release()
  await (await second).release()
  expect(await readdir(dir)).toEqual([])
})

test('who no longer wants to wait leaves the lock to its holder', async () => {
  const lock = await takeFileLock(file)
  await expect(takeFileLock(file, { signal: AbortSignal.abort() })).rejects.toThrow('aborted')
  expect(await readdir(dir)).toEqual(['a.lock'])
  await lock.release()
})

test.each([
  ['is gone', `${2 ** 22 + 1} ${os.hostname()} 0`],
  ['had the id that this one has now', `${process.pid} ${os.hostname()} 0`],
])('the lock of a process that %s holds nobody up', async (_, holder) => {
  await writeFile(file, holder)
  const onWait = vi.fn()
  await (await takeFileLock(file, { onWait })).release()
  expect(onWait).not.toHaveBeenCalled()
})

test('a lock of another host is its holder’s until nothing has been heard of it for a minute', async () => {
  await writeFile(file, `${process.pid} elsewhere 0`)
  await expect(takeFileLock(file, { signal: AbortSignal.abort() })).rejects.toThrow('aborted')
  const longAgo = new Date(Date.now() - 61_000)
  await utimes(file, longAgo, longAgo)
  await (await takeFileLock(file, { signal: AbortSignal.abort() })).release()
})

test.skipIf(skipLoudly('a stale lock that cannot be removed', whyNoTmpfs()))(
  'a stale lock that cannot be removed is waited for as any other',
  async () => {
    const disk = mountTmpfs(64)
    const longAgo = new Date(Date.now() - 3_600_000)
    await utimes(disk.dir, longAgo, longAgo)
    try {
      // A folder on which a file system is mounted cannot be renamed.
      await expect(takeFileLock(disk.dir, { signal: AbortSignal.abort() })).rejects.toThrow('aborted')
    } finally {
      disk.unmount()
    }
  },
)
