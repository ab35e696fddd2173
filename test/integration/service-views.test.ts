import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Decision } from '../../services/core/domain/decision.ts'
import type { Explanation } from '../../services/core/domain/explain.ts'
import { largePhoto, pasteInto } from '../support/composed-photos.ts'
import { type Service, startService } from '../support/service.ts'
import { waitFor } from '../support/wait-for.ts'

let service: Service
let photo: Buffer
beforeAll(async () => {
  service = await startService()
  photo = await pasteInto(await largePhoto('temple.jpg'), 'cat.jpg', { left: 924, top: 624 })
})
afterAll(() => service?.stop())

const ruleOf = (decision: Decision) => decision.policies.find(({ id }) => id === 'live-animals')?.rules[0]

test('views that are added to a policy’s file are looked at from then on, without a restart', async () => {
  const before = (await service.upload(photo, '?wait=30')).body as Decision
  expect(ruleOf(before)).toMatchObject({ matched: false, view: 'full' })

  const file = path.join(service.policies, 'live-animals.yaml')
  await writeFile(file, `${await readFile(file, 'utf8')}\nviews: tiles\n`)
  const after = await waitFor(
    async () => {
      const { body } = await service.upload(photo, '?wait=30')
      return ruleOf(body as Decision)?.matched ? (body as Decision) : undefined
    },
    { timeoutMs: 20_000, what: 'the cat to be found' },
  )
  expect(after.action).toBe('flag')
  expect(ruleOf(after)).toMatchObject({ view: 'tile-2-3' })
  for (const policy of after.policies.filter(({ id }) => id !== 'live-animals')) expect(policy.rules[0]?.view).toBe('full')
  const { rows } = await service.database.query('SELECT view FROM pixwarden.embeddings WHERE upload_id = $1 ORDER BY 1', [
    after.id,
  ])
  expect(rows.map(({ view }) => view)).toEqual(['full', 'tile-1-1', 'tile-1-2', 'tile-1-3', 'tile-2-1', 'tile-2-2', 'tile-2-3'])

  const policy = await waitFor(
    async () => {
      const shown = (await (await service.call('/v1/policies/live-animals')).json()) as { views: string[]; version: string }
      return shown.views.includes('tiles') ? shown : undefined
    },
    { timeoutMs: 20_000, what: 'the api to show the views' },
  )
  expect(policy).toMatchObject({ views: ['tiles'], version: after.policies.find(({ id }) => id === 'live-animals')?.version })

  const explained = (await (await service.call(`/v1/uploads/${after.id}/explanation?wait=30`)).json()) as Explanation
  expect(explained).toMatchObject({ as_decided: true })
  const [rule] = explained.policies.find(({ id }) => id === 'live-animals')?.rules ?? []
  expect(rule).toMatchObject({ view: 'tile-2-3', matched: true })
  const { left, top, width, height } = rule?.heat_map?.box ?? { left: 0, top: 0, width: 0, height: 0 }
  expect([left + width, top + height]).toEqual([1, 1])
})
