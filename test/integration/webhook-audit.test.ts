import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AuditActor } from '../../services/core/domain/audit.ts'
import { listAudit } from '../../services/core/infra/audit-log.ts'
import { createPgDeliveryStore } from '../../services/core/infra/pg-delivery-store.ts'
import { createPgWebhookStore } from '../../services/core/infra/pg-webhook-store.ts'
import { createSecretBox } from '../../services/core/infra/secret-box.ts'
import { openTestStore, type TestStore } from '../support/test-store.ts'

let opened: TestStore
beforeAll(async () => {
  opened = await openTestStore({ pool: 3 })
})
afterAll(() => opened?.close())

const me: AuditActor = { kind: 'key', id: 'k', name: 'operations' }

test('the audit log tells who did what to a webhook, and no secret of it', async () => {
  const webhooks = createPgWebhookStore(opened.database, createSecretBox([]))
  const deliveries = createPgDeliveryStore(opened.database)
  const made = { tenant: 'shop', url: 'https://shop.example/hooks?token=abc', eventTypes: [] }
  const { endpoint, secret } = await webhooks.create({ ...made, description: 'for the shop' }, me)
  await webhooks.update('shop', endpoint.id, { url: 'https://other.example/hooks?token=xyz', eventTypes: ['upload.decided'] }, me)
  const rotated = await webhooks.rotateSecret('shop', endpoint.id, { overlapSeconds: 60 }, me)
  const sent = await deliveries.sendTest('shop', endpoint.id, me)
  await deliveries.redeliver('shop', sent?.id ?? '', me)
  await webhooks.update('shop', endpoint.id, { state: 'disabled' }, me)
  await webhooks.remove('shop', endpoint.id, me)

  const rows = (await listAudit(opened.database, { tenant: 'shop' }, 100)).reverse()
  expect(rows.map(({ actor, action, subject, details }) => [actor, action, subject, JSON.parse(details)])).toEqual([
    [me, 'webhook.create', endpoint.id, { origin: 'https://shop.example', event_types: [] }],
    [me, 'webhook.update', endpoint.id, { origin: 'https://other.example', event_types: ['upload.decided'] }],
    [me, 'webhook.rotate-secret', endpoint.id, { previous_expires_at: expect.any(String) }],
    [me, 'webhook.test', endpoint.id, {}],
    [me, 'webhook.redeliver', sent?.id, { endpoint_id: endpoint.id, event_id: sent?.event.id }],
    [me, 'webhook.update', endpoint.id, { state: 'disabled' }],
    [me, 'webhook.delete', endpoint.id, {}],
  ])
  for (const hidden of ['token=', secret, rotated?.secret ?? '']) expect(JSON.stringify(rows)).not.toContain(hidden)
})

test('what was not there, or another tenant’s, and was not changed, is not written down', async () => {
  const webhooks = createPgWebhookStore(opened.database, createSecretBox([]))
  const { endpoint } = await webhooks.create({ tenant: 'mine', url: 'https://mine.example/', eventTypes: [] }, me)
  await webhooks.update('other', endpoint.id, { state: 'disabled' }, me)
  await webhooks.update('mine', endpoint.id, {}, me)
  await webhooks.rotateSecret('other', endpoint.id, { overlapSeconds: 60 }, me)
  await webhooks.remove('other', endpoint.id, me)
  expect(await listAudit(opened.database, { tenant: 'other' }, 100)).toEqual([])
  expect((await listAudit(opened.database, { tenant: 'mine' }, 100)).map(({ action }) => action)).toEqual(['webhook.create'])
})
