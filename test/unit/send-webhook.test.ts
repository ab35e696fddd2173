import { randomBytes } from 'node:crypto'
import type { LookupFunction } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createGuardedDispatcher } from '../../services/core/infra/guarded-dispatcher.ts'
import { parseAllowList } from '../../services/core/infra/parse-allow-list.ts'
import { formatWebhookSecret, newWebhookSecret, webhookHeaders } from '../../services/core/infra/webhook-signature.ts'
import { sendWebhook } from '../../services/worker/webhook/send-webhook.ts'
import { type DialSpy, spyOnDials } from '../support/dial-spy.ts'
import { hang, type Receiver, startReceiver } from '../support/receiver.ts'

const BODY = '{"type":"webhook.test","timestamp":"2026-03-01T12:00:00.000Z","data":{"text":"ä 🙂"}}'

let dials: DialSpy
let receiver: Receiver
let closers: (() => unknown)[]
beforeEach(async () => {
  receiver = await startReceiver()
  dials = await spyOnDials((address) => address === '127.0.0.1')
  closers = [dials.restore, receiver.close]
})
afterEach(async () => {
  for (const close of closers.reverse()) await close()
})

/** Names lead where `resolve` says. */
function outbound(allow: string, resolve: () => string = () => '127.0.0.1') {
  const lookup: LookupFunction = (_host, _options, callback) =>
    process.nextTick(callback, null, [{ address: resolve(), family: 4 }])
  const dispatcher = createGuardedDispatcher({
    allow: parseAllowList(allow).allow,
    ports: [receiver.port],
    connectTimeoutMs: 5000,
    headersTimeoutMs: 5000,
    bodyTimeoutMs: 5000,
    maxResponseBytes: 1000,
    lookup,
  })
  closers.push(() => dispatcher.destroy())
  return dispatcher
}

const message = (url: string, secrets = [newWebhookSecret()]) => ({ url, id: 'event-1', body: BODY, secrets })
const patient = () => ({ timeoutMs: 5000, signal: new AbortController().signal })

test.each([24, 32, 64])('a signature with a secret of %i bytes verifies, whatever the body', (bytes) => {
  const secret = randomBytes(bytes)
  const timestampSeconds = Math.floor(Date.now() / 1000)
  const headers = webhookHeaders({ id: 'event-1', timestampSeconds, body: Buffer.from(BODY) }, [secret])
  expect(new Webhook(formatWebhookSecret(secret)).verify(BODY, headers)).toEqual(JSON.parse(BODY))
})

test('a name that led to a public address when it was given, and leads inside now, is not dialled', async () => {
  const answers = ['93.184.215.14', '10.0.0.7', '127.0.0.1', '169.254.169.254']
  const dispatcher = outbound('10.99.0.0/16', () => answers.shift() ?? '')
  const url = `http://hooks.example:${receiver.port}/`
  const attempts: unknown[] = []
  for (let i = 0; i < 4; i++) attempts.push((await sendWebhook(message(url), { outbound: dispatcher, ...patient() })).error)
  expect(attempts).toEqual(['the connection failed: ENETUNREACH', ...Array(3).fill('the host has no public address')])
  expect(dials.dialled).toEqual([`93.184.215.14:${receiver.port}`])
  expect(receiver.received).toEqual([])
})

test('a refused connection is told without the address that refused it', async () => {
  await receiver.close()
  const { error } = await sendWebhook(message(receiver.url), { outbound: outbound('127.0.0.1'), ...patient() })
  expect(error).toBe('the connection failed: ECONNREFUSED')
})

test('an attempt that is aborted has no result', async () => {
  receiver.become(hang)
  const ending = new AbortController()
  const sending = sendWebhook(message(receiver.url), { outbound: outbound('127.0.0.1'), timeoutMs: 5000, signal: ending.signal })
  receiver.become(() => ending.abort())
  await expect(sending).rejects.toThrow('aborted')
})

test('a long answer to a message that was taken does not unmake that', async () => {
  receiver.become((response) => response.writeHead(200).end('x'.repeat(1_000_000)))
  const attempt = await sendWebhook(message(receiver.url), { outbound: outbound('127.0.0.1'), ...patient() })
  expect(attempt).toEqual({ status: 200, durationMs: expect.any(Number) })
})
