import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ApiKey } from '../../services/core/infra/api-key-store.ts'
import { openDatabase } from '../../services/core/infra/database.ts'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { createPgApiKeyStore } from '../../services/core/infra/pg-api-key-store.ts'
import { writeRuntimeFile } from '../../services/core/infra/runtime-file.ts'
import { runCli } from '../support/cli.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'

describe('pixwarden key', () => {
  let database: TestDatabase
  let dir: string
  beforeAll(async () => {
    database = await createTestDatabase()
  })
  afterAll(() => database?.drop())
  beforeEach(async () => {
    dir = await mkdtemp(path.join(os.tmpdir(), 'pixwarden-key-'))
  })
  afterEach(() => rm(dir, { recursive: true }))

  const run = (...args: string[]) => runCli(['key', ...args], { cwd: dir, env: { DATABASE_URL: database.url } })
  const create = (...args: string[]) => run('create', '--name', 'shop', '--scope', 'intake', ...args)

  async function verify(secret: string): Promise<ApiKey | undefined> {
    const open = openDatabase({ url: database.url, schema: 'pixwarden', pool: 1, log: silentLogger() })
    try {
      return await createPgApiKeyStore(open).verify(secret)
    } finally {
      await open.close()
    }
  }

  test('create makes a key on a database that is still empty, and prints nothing else on stdout', async () => {
    const { code, stdout, stderr } = await run('create', '--name', 'shop', '--scope', 'intake, review,intake', '--tenant', 'acme')
    expect(stdout).toMatch(/^pxw_\S+\n$/)
    expect(stderr).toMatch(/^key \S+ of tenant acme, for intake, review: keep it now/)
    expect(code).toBe(0)
    expect(await verify(stdout.trim())).toMatchObject({ name: 'shop', tenant: 'acme', scopes: ['intake', 'review'] })
  })

  test('create prints JSON on request', async () => {
    const { stdout } = await create('--json')
    expect(JSON.parse(stdout)).toEqual({
      id: expect.any(String),
      tenant: 'default',
      name: 'shop',
      scopes: ['intake'],
      secret: expect.stringMatching(/^pxw_/),
    })
  })

  test('a key is listed without its secret until it is revoked, and is worth nothing then', async () => {
    const { id, secret } = JSON.parse((await create('--json')).stdout) as ApiKey & { secret: string }
    const listed = await run('list')
    expect(listed.stdout).toMatch(new RegExp(`^${id} +default +shop +intake$`, 'm'))
    expect(listed.stdout).not.toContain(secret)
    expect(await run('revoke', id)).toMatchObject({ code: 0, stderr: `key ${id} is revoked\n` })
    expect((await run('list', '--json')).stdout).not.toContain(id)
    expect(await verify(secret)).toBeUndefined()
    expect(await run('revoke', id)).toMatchObject({ code: 1, stderr: `there is no key ${id} in force\n` })
  })

  test('revoke knows no key by a name that is no id', async () => {
    expect(await run('revoke', 'shop')).toMatchObject({ code: 1, stderr: 'there is no key shop in force\n' })
  })

  test('the database may be that of the standalone service that runs in the data directory', async () => {
    await writeRuntimeFile(dir, { pid: process.pid, databaseUrl: database.url, apiUrl: 'http://127.0.0.1:1' })
    const { code, stdout } = await runCli(['key', 'create', '--name', 'x', '--scope', 'admin'], {
      env: { PIXWARDEN_DATA_DIR: dir },
    })
    expect(code).toBe(0)
    expect(await verify(stdout.trim())).toMatchObject({ scopes: ['admin'] })
  })

  test('what a killed service left is not taken for a running one', async () => {
    const ended = spawn('true')
    await once(ended, 'exit')
    await writeRuntimeFile(dir, { pid: ended.pid ?? 0, databaseUrl: database.url, apiUrl: 'http://127.0.0.1:1' })
    const { code, stderr } = await runCli(['key', 'list'], { env: { PIXWARDEN_DATA_DIR: dir } })
    expect(stderr).toBe(
      `pixwarden: keys are kept in a database: set DATABASE_URL, or start the service whose data is in ${dir}\n`,
    )
    expect(code).toBe(2)
  })

  test('without a database nothing is made, not even a folder', async () => {
    const { code } = await runCli(['key', 'list'], { cwd: dir })
    expect(code).toBe(2)
    await expect(stat(path.join(dir, '.pixwarden'))).rejects.toThrow('ENOENT')
  })

  test.each([
    ['a scope that there is not', ['--name', 'x', '--scope', 'intake,root'], 'There is no scope "root"'],
    ['no scope', ['--name', 'x'], "required option '--scope <scopes>' not specified"],
    ['no name', ['--scope', 'intake'], "required option '--name <name>' not specified"],
  ])('create refuses %s', async (_, args, message) => {
    expect(await run('create', ...args)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(message) })
  })

  test('a database that cannot be reached is said in a line', async () => {
    const { code, stderr } = await runCli(['key', 'list'], { env: { DATABASE_URL: 'postgres://nobody@127.0.0.1:9/none' } })
    expect(stderr).toMatch(/^pixwarden: .+\n$/)
    expect(code).toBe(2)
  })
})
