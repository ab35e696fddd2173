import { createHmac, randomBytes } from 'node:crypto'

const PREFIX = 'whsec_'
/** Standard Webhooks wants 24 to 64. */
const SECRET_BYTES = 32

export function newWebhookSecret(): Buffer {
  return randomBytes(SECRET_BYTES)
}

/** As receivers are given it. */
export function formatWebhookSecret(secret: Buffer): string {
  return PREFIX + secret.toString('base64')
}

export type SignedMessage = { id: string; timestampSeconds: number; body: Buffer }

/**
 * The headers of a message (Standard Webhooks 1.0.0): one signature for each secret that is valid now, with spaces between. A signature is the
 * HMAC-SHA256 of `id.timestamp.body`.
 */
export function webhookHeaders(
  { id, timestampSeconds, body }: SignedMessage,
  secrets: readonly Buffer[],
): Record<string, string> {
  const signatures = secrets.map(
    (secret) => `v1,${createHmac('sha256', secret).update(`${id}.${timestampSeconds}.`).update(body).digest('base64')}`,
  )
  return { 'webhook-id': id, 'webhook-timestamp': String(timestampSeconds), 'webhook-signature': signatures.join(' ') }
}
