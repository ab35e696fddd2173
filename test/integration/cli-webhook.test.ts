import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { runCli } from '../support/cli.ts'
import { status, verified } from '../support/receiver.ts'
import { openWebhookBench, type WebhookBench } from '../support/webhooks.ts'

describe('pixwarden webhook', () => {
  let bench: WebhookBench
  beforeAll(async () => {
    bench = await openWebhookBench()
  })
  afterEach(() => bench.clear())
  afterAll(() => bench?.close())

  const run = (...args: string[]) => runCli(['webhook', ...args], { env: { DATABASE_URL: bench.url } })

  test('lists webhooks with what they hear of and how they are, and never their secrets', async () => {
    const made = [
      await bench.endpoint('https://a.example/x', { eventTypes: ['review.opened', 'review.resolved'] }),
      await bench.endpoint('https://b.example/'),
      await bench.endpoint('https://c.example/', { tenant: 'other' }),
    ]
    const [a, b, c] = made.map(({ endpoint }) => endpoint.id)
    await bench.webhooks.update('default', b ?? '', { state: 'disabled' })
    const { code, stdout } = await run('list')
    expect(code).toBe(0)
    expect(stdout).toMatch(new RegExp(`^${a} +review.opened,review.resolved +enabled +https://a.example/x$`, 'm'))
    expect(stdout).toMatch(new RegExp(`^${b} +all +disabled +https://b.example/$`, 'm'))
    expect(stdout).not.toContain(c)
    const asJson = await run('list', '--tenant', 'other', '--json')
    expect(JSON.parse(asJson.stdout)).toMatchObject([{ id: c, url: 'https://c.example/', state: { kind: 'enabled' } }])
    for (const { secret } of made) expect(stdout + asJson.stdout).not.toContain(secret.slice('whsec_'.length))
  })

  test('has a test sent, shows what is dead, and has it delivered again', async () => {
    const receiver = await bench.receiver(status(500))
    const { endpoint, secret } = await bench.endpoint(receiver.url)
    bench.dispatcher({ schedule: [0.02] })
    expect(await run('test', endpoint.id)).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^delivery \S+ is on its way/),
    })
    const { id, event } = await bench.deliveryOnce(endpoint.id, 'dead')
    const { stdout } = await run('deliveries', endpoint.id, '--state', 'dead')
    expect(stdout).toMatch(new RegExp(`^${id} +webhook.test +${event.createdAt.toISOString()} +dead +2 +500$`, 'm'))
    expect((await run('deliveries', endpoint.id, '--state', 'pending', '--json')).stdout).toBe('[]\n')

    receiver.become(status(200))
    expect(await run('redeliver', id)).toMatchObject({ code: 0, stderr: expect.stringContaining(`delivery ${id} is on its way`) })
    await bench.deliveryOnce(endpoint.id, 'delivered')
    expect(new Set(receiver.received.map((message) => message.id + message.body)).size).toBe(1)
    for (const message of receiver.received) expect(verified(message, secret).type).toBe('webhook.test')
    const audited = await bench.query("SELECT action FROM pixwarden.audit_log WHERE actor_kind = 'cli' ORDER BY seq")
    expect(audited).toEqual([{ action: 'webhook.test' }, { action: 'webhook.redeliver' }])
  })

  test('knows nothing of what there is not, or is another tenant’s', async () => {
    const { endpoint } = await bench.endpoint('https://a.example/', { tenant: 'other' })
    for (const command of ['deliveries', 'test', 'redeliver'])
      for (const id of [endpoint.id, 'x'])
        expect(await run(command, id)).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^there is no /) })
  })

  test('says why a disabled webhook is sent nothing', async () => {
    const { endpoint } = await bench.endpoint('https://a.example/')
    await bench.webhooks.update('default', endpoint.id, { state: 'disabled' })
    expect(await run('test', endpoint.id)).toMatchObject({
      code: 2,
      stderr: 'pixwarden: the webhook is disabled: enable it, and try again\n',
    })
  })
})
