import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { packageRoot } from '../../services/core/infra/package-root.ts'
import { lockDataDir } from '../../services/standalone/lock-data-dir.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'lock-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

test('a data directory is one process’s at a time, and free again once released', async () => {
  const lock = await lockDataDir(dir)
  expect(lock.inherited).toBe(false)
  await expect(lockDataDir(dir)).rejects.toMatchObject({
    code: 'invalid-config',
    message: expect.stringContaining(`process ${process.pid}`),
  })
  await lock.release()
  expect(await readdir(dir)).toEqual([])
  await (await lockDataDir(dir)).release()
})

test('the lock of a process that is gone holds nobody up, though its id is used again', async () => {
  await writeFile(path.join(dir, 'standalone.lock'), `${process.pid} began at another time`)
  const lock = await lockDataDir(dir)
  expect(lock.inherited).toBe(true)
  await expect(lockDataDir(dir)).rejects.toMatchObject({ code: 'invalid-config' })
})

test('of several that come upon a stale lock at once, one gets it', async () => {
  await writeFile(path.join(dir, 'standalone.lock'), '4194305 0')
  const contenders = Array.from({ length: 4 }, contend)
  const answers = await Promise.all(contenders.map(async (child) => (await once(child, 'message'))[0]))
  for (const child of contenders) child.kill('SIGKILL')
  expect(answers.sort()).toEqual(['invalid-config', 'invalid-config', 'invalid-config', 'mine'])
})

function contend() {
  const module = path.join(packageRoot, 'dist/services/standalone/lock-data-dir.js')
  const script = `
    import { lockDataDir } from ${JSON.stringify(module)}
    lockDataDir(${JSON.stringify(dir)}).then(() => process.send('mine'), (error) => process.send(error.code))
    setInterval(() => {}, 60_000)
  `
  return spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
}
