import { Client } from 'pg'
import { expect, test } from 'vitest'
import { cat, startApi } from '../support/api.ts'

test('dashboards that cannot be answered hold up no upload, and are told to come back', async () => {
  const api = await startApi()
  const blocker = new Client({ connectionString: api.database.url })
  try {
    const photo = await cat()
    await blocker.connect()
    await blocker.query('BEGIN; LOCK TABLE pixwarden.policy_versions IN ACCESS EXCLUSIVE MODE')
    const startedAt = performance.now()
    const asked = ['1h', '24h', '7d', '30d'].flatMap((window) => [
      api.call(`/v1/overview?window=${window}`),
      api.call(`/v1/overview?window=${window}`),
    ])
    const versions = Array.from({ length: 20 }, () => api.call('/v1/policies/animals/versions'))
    for (let n = 0; n < 5; n++) expect((await api.post(photo)).status).toBe(202)
    expect(performance.now() - startedAt).toBeLessThan(2500)
    for (const answer of await Promise.all([...asked, ...versions])) {
      expect(answer.status).toBe(503)
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
    }
    await blocker.query('ROLLBACK')
    expect((await api.call('/v1/overview?window=1h')).status).toBe(200)
  } finally {
    await blocker.end()
    await api.discard()
  }
})
