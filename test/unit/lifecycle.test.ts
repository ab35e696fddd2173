import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { packageRoot } from '../../services/core/infra/package-root.ts'
import { waitFor } from '../support/wait-for.ts'

const lifecycle = JSON.stringify(path.join(packageRoot, 'dist/services/core/infra/lifecycle.js'))
const logger = JSON.stringify(path.join(packageRoot, 'dist/services/core/infra/logger.js'))

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

test.each(['SIGTERM', 'SIGINT'] as const)('%s drains, then exits 0', async (signal) => {
  const child = await serve('() => new Promise((resolve) => process.once("message", resolve))')
  child.kill(signal)
  expect(await message(child)).toBe('stopping')
  child.send('drained')
  expect(await exit(child)).toEqual([0, null])
})

test('a signal that npm repeats is one signal; a later one ends the process at once', async () => {
  const child = await serve('() => new Promise(() => {})')
  child.kill('SIGINT')
  expect(await message(child)).toBe('stopping')
  child.kill('SIGINT')
  child.send('still there?')
  expect(await message(child)).toBe('still there?')
  await waitFor(() => !child.kill('SIGINT'), { what: 'the process to give in' })
  expect(await exit(child)).toEqual([null, 'SIGKILL'])
})

test('so does one that finds a thread in native code, such as a model that hangs, for whose end exiting would wait', async () => {
  const child = await serve(`async () => {
    const { Worker } = await import('node:worker_threads')
    const hanging = "require('worker_threads').parentPort.postMessage('begun'); require('crypto').pbkdf2Sync('a', 'b', 2 ** 31 - 1, 64, 'sha512')"
    await new Promise((resolve) => new Worker(hanging, { eval: true, execArgv: [] }).once('message', resolve))
    process.send('hanging')
    await new Promise(() => {})
  }`)
  child.kill('SIGTERM')
  expect(await message(child)).toBe('stopping')
  expect(await message(child)).toBe('hanging')
  await waitFor(() => !child.kill('SIGTERM'), { what: 'the process to give in' })
  expect(await exit(child)).toEqual([null, 'SIGKILL'])
})

test('a stop that fails exits 1', async () => {
  const child = await serve('async () => { throw new Error("no") }')
  child.kill('SIGTERM')
  expect(await exit(child)).toEqual([1, null])
})

test('a process stops when the one that forked it is gone', async () => {
  const child = await serve('async () => {}')
  child.disconnect()
  expect(await exit(child)).toEqual([0, null])
})

/** A process whose shutdown is `stop`; it says when that begins, and repeats what it is told. */
async function serve(stop: string): Promise<ChildProcess> {
  const child = run(`
    const stop = ${stop}
    process.on('message', (text) => process.connected && process.send(text))
    onShutdown(async () => { if (process.connected) process.send('stopping'); await stop() }, silentLogger())
    setInterval(() => {}, 60_000)
    process.send('up')
  `)
  expect(await message(child)).toBe('up')
  return child
}

function run(body: string): ChildProcess {
  const script = `
    import { onShutdown } from ${lifecycle}
    import { silentLogger } from ${logger}
    ${body}
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  children.push(child)
  return child
}

async function message(child: ChildProcess): Promise<unknown> {
  return (await once(child, 'message'))[0]
}

function exit(child: ChildProcess): Promise<unknown[]> {
  const { exitCode, signalCode } = child
  return exitCode === null && signalCode === null ? once(child, 'exit') : Promise.resolve([exitCode, signalCode])
}
