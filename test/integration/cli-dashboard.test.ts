import os from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApi, type TestApi } from '../support/api.ts'
import { runCli } from '../support/cli.ts'
import { postSession, signIn } from '../support/sign-in.ts'

describe('pixwarden dashboard', () => {
  let api: TestApi
  beforeAll(async () => {
    api = await startApi()
  })
  afterAll(() => api?.discard())

  const run = (...args: string[]) =>
    runCli(['dashboard', ...args], { cwd: os.tmpdir(), env: { DATABASE_URL: api.database.url, PORT: String(api.port) } })
  const linkOf = (stdout: string) => /#link=([\w-]{43})\n$/.exec(stdout)?.[1] ?? ''

  test('prints an address that signs in once, by an admin key that is made for it once', async () => {
    const before = await api.keys.list()
    const [first, second] = [await run('--name', 'Ann'), await run()]
    expect(first).toMatchObject({ code: 0, stdout: expect.stringMatching(`^${api.url}/dashboard/#link=[\\w-]{43}\n$`) })
    expect(first.stderr).toContain('signs Ann in once')
    const { session, call } = await signIn(api, { link: linkOf(first.stdout) })
    expect(session).toMatchObject({ name: 'Ann', tenant: 'default', scopes: ['admin'] })
    expect((await call('/v1/audit?action=session.link')).status).toBe(200)

    expect((await postSession(api, { link: linkOf(first.stdout) })).status).toBe(401)
    expect((await signIn(api, { link: linkOf(second.stdout) })).session.name).toBe(os.userInfo().username)
    const made = (await api.keys.list()).slice(before.length)
    expect(made).toEqual([expect.objectContaining({ name: 'dashboard', scopes: ['admin'], tenant: 'default' })])
  })

  test('signs one browser in, however many race', async () => {
    const link = linkOf((await run()).stdout)
    const answers = await Promise.all(Array.from({ length: 10 }, () => postSession(api, { link })))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  })

  test('prints nothing that works after ten minutes, or once its key is revoked', async () => {
    const { id } = await api.keys.create({ tenant: 'default', name: 'moderators', scopes: ['review'] })
    const old = linkOf((await run('--key', 'moderators')).stdout)
    await api.database.query("UPDATE pixwarden.sign_in_links SET expires_at = expires_at - interval '10 minutes'")
    expect((await postSession(api, { link: old })).status).toBe(401)

    const { stdout, stderr } = await run('--key', id, '--url', 'https://moderation.example/')
    expect(stdout).toMatch(/^https:\/\/moderation\.example\/dashboard\/#link=/)
    expect(stderr).toContain('"moderators" (review)')
    await api.keys.revoke(id)
    expect((await postSession(api, { link: linkOf(stdout) })).status).toBe(401)
  })

  test.each([
    ['a key that is not there', ['--key', 'nobody'], 'no key "nobody"'],
    ['a key of another tenant', ['--key', 'test', '--tenant', 'theirs'], 'no key "test"'],
    ['a name that cannot be shown', ['--name', 'a\nb'], '--name'],
    ['an address that is none', ['--url', 'moderation.example'], 'https://'],
  ])('refuses %s', async (_what, args, message) => {
    const { code, stdout, stderr } = await run(...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
  })
})
