import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { cpuTime, minus } from '../bench/cpu-time.ts'

let child: ChildProcess | undefined
afterEach(() => {
  child?.kill('SIGKILL')
})

/** Statements that use CPU for `ms`. */
const use = (ms: number) => `
  const used = () => (process.cpuUsage().user + process.cpuUsage().system) / 1000
  for (const from = used(); used() - from < ${ms}; );`
const THREAD = `${use(600)} require('node:worker_threads').parentPort.once('message', () => {}).postMessage('done')`
const GRANDCHILD = `${use(300)} process.send('done'); process.once('disconnect', () => {})`
/** Told to go, it keeps a thread busy, then a child; both live on. */
const CHILD = `
  const { once } = require('node:events')
  process.once('message', async () => {
    await once(new (require('node:worker_threads').Worker)(${JSON.stringify(THREAD)}, { eval: true }), 'message')
    const options = { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }
    await once(require('node:child_process').spawn(process.execPath, ['--eval', ${JSON.stringify(GRANDCHILD)}], options), 'message')
    process.send('done')
  })
  process.send('up')`

test.skipIf(process.platform !== 'linux')('CPU time is told apart by main thread, other threads and children', async () => {
  child = spawn(process.execPath, ['--eval', CHILD], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  await once(child, 'message')
  const before = await cpuTime(child.pid as number)
  child.send('go')
  await once(child, 'message')
  const used = minus(await cpuTime(child.pid as number), before)
  expect(used.busiestThread).toBeGreaterThan(500)
  expect(used.children).toBeGreaterThan(250)
  expect(used.mainThread).toBeLessThan(300)
})
