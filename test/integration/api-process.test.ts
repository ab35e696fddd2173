import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { packageRoot } from '../../services/core/infra/package-root.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'

let database: TestDatabase
let dir: string

beforeAll(async () => {
  database = await createTestDatabase()
  dir = await mkdtemp(path.join(os.tmpdir(), 'pixwarden-api-'))
})
afterAll(async () => {
  await database?.drop()
  await rm(dir, { recursive: true, force: true })
})

/** The api as a process of its own: what it says first, and how it ends. */
function start(env: Record<string, string>) {
  const child = fork(path.join(packageRoot, 'dist/services/api/main.js'), {
    env: { PATH: process.env.PATH ?? '', PIXWARDEN_DATA_DIR: dir, PORT: '0', LOG_LEVEL: 'warn', ...env },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let stderr = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk
  })
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stderr }))
  const message = once(child, 'message').then(([said]) => said as { type: string; port: number; metricsPort?: number })
  const ready = Promise.race([
    message,
    ended.then(({ code }): never => {
      throw new Error(`the api ended with ${code} before it was ready: ${stderr}`)
    }),
  ])
  ready.catch(() => {})
  return { child, ended, ready }
}

test('without DATABASE_URL the api says what it needs, and exits 78', async () => {
  const { code, stderr } = await start({}).ended
  expect(code).toBe(78)
  expect(stderr).toContain('DATABASE_URL: needed')
  expect(stderr).not.toContain('    at ')
})

test.each(['PORT', 'PIXWARDEN_METRICS_PORT'])('when %s is in use the api says so, and exits 78', async (setting) => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const { code, stderr } = await start({ DATABASE_URL: database.url, [setting]: String(port) }).ended
  other.close()
  expect(code).toBe(78)
  expect(stderr).toContain(`${setting}: 127.0.0.1:${port} cannot be had`)
  expect(stderr).not.toContain('    at ')
})

test('it tells whoever forked it when it is ready, and SIGTERM ends it with 0', async () => {
  const { child, ready, ended } = start({ DATABASE_URL: database.url, PIXWARDEN_METRICS_PORT: '0' })
  const { type, port, metricsPort } = await ready
  expect(type).toBe('ready')
  expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200)
  expect((await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).status).toBe(200)
  child.kill('SIGTERM')
  expect(await ended).toEqual({ code: 0, stderr: '' })
})

test('it ends with whoever forked it', async () => {
  const { child, ready } = start({ DATABASE_URL: database.url })
  await ready
  child.disconnect()
  expect(await once(child, 'exit')).toEqual([0, null])
})
