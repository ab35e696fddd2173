import { describe, expect, test } from 'vitest'
import { createVerifier } from '../../services/api/verify-secret.ts'
import { AppError } from '../../services/core/domain/errors.ts'
import type { ApiKey } from '../../services/core/infra/api-key-store.ts'

const KEY: ApiKey = { id: 'id', tenant: 'default', name: 'test', scopes: ['intake'] }

/** A store that counts what it is asked, and knows keys that begin with `right`; `revoked` knows none. */
function verifier() {
  const store = { queries: 0, revoked: false, down: false }
  const clock = { ms: 0 }
  const { verify, end } = createVerifier(
    async (secret) => {
      store.queries++
      if (store.down) throw new AppError('store-unavailable', 'away')
      return secret.startsWith('right') && !store.revoked ? KEY : undefined
    },
    { now: () => clock.ms },
  )
  const flood = (keys: number, address: string) =>
    Promise.allSettled(Array.from({ length: keys }, (_, i) => verify(`wrong ${address} ${i}`, address)))
  return { store, clock, verify, end, flood }
}

describe('a flood of wrong keys', () => {
  test('that are all different costs a hundred queries, and the rest is refused until a minute is over', async () => {
    const { store, clock, verify, flood } = verifier()
    const answers = await flood(10_000, '192.0.2.1')
    expect(store.queries).toBe(100)
    expect(answers.filter(({ status }) => status === 'rejected')).toHaveLength(9900)
    clock.ms = 59_000
    await expect(verify('right', '192.0.2.1')).rejects.toMatchObject({ code: 'rate-limited', details: { retry_after: 1 } })
    clock.ms = 60_000
    expect(await verify('right', '192.0.2.1')).toBe(KEY)
  })

  test('with one key costs a query in 5 s', async () => {
    const { store, clock, verify } = verifier()
    for (; clock.ms < 10_000; clock.ms += 10) expect(await verify('wrong', '192.0.2.1')).toBeUndefined()
    expect(store.queries).toBe(2)
  })

  test('does not keep out the keys that were in use at the same address, nor other addresses', async () => {
    const { clock, verify, flood } = verifier()
    await verify('right', '192.0.2.1')
    await flood(1000, '192.0.2.1')
    clock.ms = 50_000
    expect(await verify('right', '192.0.2.1')).toBe(KEY)
    expect(await verify('right too', '192.0.2.2')).toBe(KEY)
  })

  test('is one flood when it comes from the addresses of one IPv6 network, or of IPv4 inside IPv6', async () => {
    const { store, flood } = verifier()
    await flood(100, '2001:db8:1:2::1')
    await flood(100, '2001:db8:1:2:ffff::2')
    expect(store.queries).toBe(100)
    await flood(100, '192.0.2.1')
    await flood(100, '::ffff:192.0.2.1')
    expect(store.queries).toBe(200)
  })
})

describe('a right key', () => {
  test('is asked about once by all the requests that come at once, and again after 5 s', async () => {
    const { store, clock, verify } = verifier()
    await Promise.all(Array.from({ length: 50 }, () => verify('right', '192.0.2.1')))
    expect(store.queries).toBe(1)
    clock.ms = 5000
    store.revoked = true
    expect(await verify('right', '192.0.2.1')).toBeUndefined()
    expect(store.queries).toBe(2)
  })

  test('never counts as a wrong one, nor does any while the database is away', async () => {
    const { store, verify, flood } = verifier()
    await Promise.all(Array.from({ length: 90 }, (_, i) => verify(`right ${i}`, '192.0.2.1')))
    store.down = true
    for (let i = 0; i < 5; i++) await flood(90, '192.0.2.1')
    store.down = false
    expect(await verify('right at last', '192.0.2.1')).toBe(KEY)
  })
})

describe('a secret that was ended', () => {
  test('is wrong at once, even to whoever asked a moment before', async () => {
    const { verify, end } = verifier()
    await verify('right', '192.0.2.1')
    end('right')
    expect(await verify('right', '192.0.2.1')).toBeUndefined()

    const asked = verify('right too', '192.0.2.1')
    end('right too')
    expect(await asked).toBeUndefined()
    expect(await verify('right too', '192.0.2.1')).toBeUndefined()
  })
})
