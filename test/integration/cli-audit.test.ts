import os from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AuditView } from '../../services/core/domain/audit.ts'
import { runCli } from '../support/cli.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'

describe('pixwarden audit', () => {
  let database: TestDatabase
  let keyId: string
  beforeAll(async () => {
    database = await createTestDatabase()
    const created = await run('key', 'create', '--name', 'shop', '--scope', 'intake', '--tenant', 'acme', '--json')
    keyId = JSON.parse(created.stdout).id
    await run('key', 'create', '--name', 'other', '--scope', 'review')
    await run('key', 'revoke', keyId)
  })
  afterAll(() => database?.drop())

  const run = (...args: string[]) => runCli(args, { env: { DATABASE_URL: database.url } })
  const list = async (...args: string[]): Promise<AuditView[]> =>
    JSON.parse((await run('audit', 'list', '--json', ...args)).stdout)

  test('list tells who made and who revoked a key', async () => {
    const me = { kind: 'cli', id: os.userInfo().username, name: os.hostname() }
    expect(await list('--subject', keyId)).toMatchObject([
      { seq: 3, tenant: 'acme', actor: me, action: 'key.revoke', details: { name: 'shop' } },
      { seq: 1, tenant: 'acme', actor: me, action: 'key.create', details: { name: 'shop', scopes: ['intake'] } },
    ])
  })

  test('list shows a row each, those that are asked for', async () => {
    const { stdout } = await run('audit', 'list', '--tenant', 'default')
    expect(stdout).toMatch(
      /^SEQ +AT +TENANT +BY +ACTION +SUBJECT +DETAILS\n2 .+ default .+ key\.create .+"scopes":\["review"\]\}\n$/,
    )
    expect((await list('--action', 'key.create', '--limit', '1')).map(({ seq }) => seq)).toEqual([2])
  })

  test('verify prints the head when the log is whole, and knows it again', async () => {
    const { code, stdout } = await run('audit', 'verify')
    expect(code).toBe(0)
    const [, head] = stdout.match(/^3 rows, each as it was written\nhead ([0-9a-f]{64})\n$/) ?? []
    const again = await run('audit', 'verify', '--json', '--expect-head', head ?? '')
    expect(again.code).toBe(0)
    expect(JSON.parse(again.stdout)).toEqual({ ok: true, rows: 3, head })
  })

  test('verify exits 1 for a head that is not of this log', async () => {
    const { code, stdout } = await run('audit', 'verify', '--expect-head', 'f'.repeat(64))
    expect(stdout).toContain('the expected head is none of this log')
    expect(code).toBe(1)
  })

  test('verify exits 2 for what is no head, and without a database', async () => {
    expect(await run('audit', 'verify', '--expect-head', 'xyz')).toMatchObject({ code: 2, stdout: '' })
    expect(await runCli(['audit', 'verify'], { env: { PIXWARDEN_DATA_DIR: os.tmpdir() } })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('the audit log is kept in a database'),
    })
  })

  test('verify exits 1 and names the row that was edited', async () => {
    await database.query('ALTER TABLE pixwarden.audit_log DISABLE TRIGGER USER')
    await database.query("UPDATE pixwarden.audit_log SET actor_id = 'somebody' WHERE seq = 2")
    expect(await run('audit', 'verify')).toMatchObject({ code: 1, stdout: 'row 2 was edited\n' })
    const { code, stdout } = await run('audit', 'verify', '--json')
    expect(JSON.parse(stdout)).toEqual({ ok: false, fault: 'edited', seq: 2 })
    expect(code).toBe(1)
  })
})
