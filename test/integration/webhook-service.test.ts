import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hang, type Receiver, startReceiver, status, verified } from '../support/receiver.ts'
import { type Service, sample, startService, stopProcess } from '../support/service.ts'
import { waitFor } from '../support/wait-for.ts'

describe('the whole service, whose workers deliver', () => {
  let receiver: Receiver
  let service: Service
  let secret: string
  beforeAll(async () => {
    receiver = await startReceiver()
    service = await startService({
      env: {
        PIXWARDEN_OUTBOUND_ALLOW: '127.0.0.1',
        PIXWARDEN_OUTBOUND_PORTS: String(receiver.port),
        PIXWARDEN_WEBHOOK_RETRY_SECONDS: '0.2,0.2,0.2',
        PIXWARDEN_WEBHOOK_TIMEOUT_MS: '1000',
        PIXWARDEN_REVIEW_LEASE_SECONDS: '1',
        PIXWARDEN_REVIEW_UNDO_SECONDS: '1',
        PIXWARDEN_SECRET_KEY: Buffer.alloc(32, 1).toString('base64'),
      },
    })
    const made = await service.call('/v1/webhooks', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ url: receiver.url }),
    })
    secret = ((await made.json()) as { secret: string }).secret
  })
  afterAll(async () => {
    await receiver?.close()
    await service?.stop()
  })

  const about = (id: string) => receiver.received.filter(({ body }) => body.includes(id))
  const heard = (id: string, count: number) =>
    waitFor(() => about(id).length >= count && about(id), { what: `${count} messages about ${id}`, timeoutMs: 20_000 })

  test('a photo’s decision and the review that it opens come to the platform, signed', async () => {
    const { body } = await service.upload(await sample('cat.jpg'), '?external_id=post-42')
    const messages = await heard(body.id, 2)
    const events = messages.map((message) => verified(message, secret))
    expect(events.find(({ type }) => type === 'upload.decided')?.data).toEqual(await service.decisionOf(body.id))
    expect(events.find(({ type }) => type === 'review.opened')?.data).toMatchObject({
      upload: { id: body.id, external_id: 'post-42' },
      reason_codes: ['live-animals'],
    })
  })

  test('a claim that is not renewed ends, which others are told; what is resolved comes to the platform', async () => {
    const { body } = await service.upload(await sample('cat.jpg'))
    await service.decisionOf(body.id)
    const post = (route: string, content?: object) =>
      service.call(`/v1/reviews/${route}`, {
        method: 'POST',
        ...(content && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(content) }),
      })
    const { rows } = await service.database.query('SELECT id FROM pixwarden.reviews WHERE upload_id = $1', [body.id])
    const review = rows[0]?.id as string
    expect((await post(`${review}/claim`)).status).toBe(200)
    const released = "SELECT FROM pixwarden.events WHERE upload_id = $1 AND type = 'review.released'"
    await waitFor(async () => (await service.database.query(released, [body.id])).rowCount === 1, {
      what: 'the end of the claim',
    })
    expect((await post(`${review}/resolve`, { action: 'reject', reason_code: 'live-animals' })).status).toBe(200)
    const messages = await heard(body.id, 3)
    const told = messages.map((message) => verified(message, secret)).find(({ type }) => type === 'review.resolved')
    expect(told?.data).toMatchObject({ id: review, resolution: { action: 'reject', reason_code: 'live-animals' } })
  })

  test('what a killed worker was sending is sent by another, under the same id and in the same bytes', async () => {
    receiver.become(hang)
    const { body } = await service.upload(await sample('coffee.jpg'))
    await heard(body.id, 1)
    const [, worker] = service.processes
    worker?.kill('SIGKILL')
    if (worker) await once(worker, 'exit')
    receiver.become(status(200))
    const before = about(body.id).length
    await service.startWorker()
    const messages = await heard(body.id, before + 1)
    expect(new Set(messages.map((message) => message.id + message.body)).size).toBe(1)
    for (const message of messages) expect(verified(message, secret).type).toBe('upload.decided')
  })

  test('a worker that is told to stop while it sends ends well, and within its time', async () => {
    receiver.become(hang)
    const { body } = await service.upload(await sample('temple.jpg'))
    await heard(body.id, 1)
    const worker = service.processes.at(-1)
    const startedAt = performance.now()
    expect(worker && (await stopProcess(worker))).toBe(0)
    expect(performance.now() - startedAt).toBeLessThan(14_000)
  })
})
