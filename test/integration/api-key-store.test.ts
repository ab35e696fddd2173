import { v4 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ApiKeyStore } from '../../services/core/infra/api-key-store.ts'
import { createPgApiKeyStore } from '../../services/core/infra/pg-api-key-store.ts'
import { openTestStore, type TestStore } from '../support/test-store.ts'

describe('an API key', () => {
  let opened: TestStore
  let keys: ApiKeyStore
  beforeAll(async () => {
    opened = await openTestStore()
    keys = createPgApiKeyStore(opened.database)
  })
  afterAll(() => opened?.close())

  const create = () => keys.create({ tenant: 'shop', name: 'front end', scopes: ['intake', 'review'] })
  const lastUsed = async (id: string) =>
    (await opened.server.query('SELECT last_used_at FROM pixwarden.api_keys WHERE id = $1', [id])).rows[0].last_used_at

  test('opens what it was made for, and its secret is nowhere in the database', async () => {
    const { secret, createdAt: _, ...key } = await create()
    expect(secret).toMatch(/^pxw_[\w-]{43}$/)
    expect(await keys.verify(secret)).toEqual(key)
    expect(key).toMatchObject({ tenant: 'shop', name: 'front end', scopes: ['intake', 'review'] })
    const { rows } = await opened.server.query('SELECT api_keys::text AS row FROM pixwarden.api_keys WHERE id = $1', [key.id])
    expect(rows[0].row).not.toContain(secret.slice(4))
    expect(rows[0].row).not.toContain(Buffer.from(secret).toString('hex'))
  })

  test('that is unknown, cut short or no key at all opens nothing', async () => {
    const { secret } = await create()
    const other = secret.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))
    for (const wrong of [other, secret.slice(0, -1), `${secret}A`, secret.slice(4), '', 'pxw_']) {
      expect(await keys.verify(wrong)).toBeUndefined()
    }
  })

  test('that is revoked opens nothing, and is no longer listed', async () => {
    const [kept, revoked] = [await create(), await create()]
    expect(await keys.revoke(revoked.id)).toBe(true)
    expect(await keys.verify(revoked.secret)).toBeUndefined()
    const { secret: _, ...listed } = kept
    expect(await keys.list()).toContainEqual({ ...listed, lastUsedAt: undefined })
    expect(await keys.list('shop')).toContainEqual({ ...listed, lastUsedAt: undefined })
    expect(await keys.list('another')).toEqual([])
    expect((await keys.list()).map(({ id }) => id)).not.toContain(revoked.id)
    for (const id of [revoked.id, uuid(), 'x']) expect(await keys.revoke(id)).toBe(false)
  })

  test('remembers when it was used, to the minute', async () => {
    const { id, secret } = await create()
    expect(await lastUsed(id)).toBeNull()
    await keys.verify(secret)
    const first = await lastUsed(id)
    expect(Math.abs(first.getTime() - Date.now())).toBeLessThan(60_000)
    await keys.verify(secret)
    expect(await lastUsed(id)).toEqual(first)
    await opened.server.query("UPDATE pixwarden.api_keys SET last_used_at = last_used_at - interval '61 seconds' WHERE id = $1", [
      id,
    ])
    await keys.verify(secret)
    expect((await lastUsed(id)).getTime()).toBeGreaterThanOrEqual(first.getTime())
  })

  test.each(['', '.', '..', 'a/b', 'a b', '-x', 'x'.repeat(101)])('is not made for the tenant %j', async (tenant) => {
    await expect(keys.create({ tenant, name: 'n', scopes: ['intake'] })).rejects.toMatchObject({ code: 'invalid-request' })
  })
})
