import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'

/** A message as it came. */
export type Received = { id: string; path: string; headers: Record<string, string>; body: string; at: number }

export type Answer = (response: ServerResponse, received: Received, nth: number) => void

export type Receiver = Awaited<ReturnType<typeof startReceiver>>

/** A platform that hears of events. `answer` is told the message and how many came before it; without one everything is taken with 204. */
export async function startReceiver(answer: Answer = (response) => response.writeHead(204).end()) {
  const received: Received[] = []
  let answering = answer
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const headers = request.headers as Record<string, string>
    const message = {
      id: headers['webhook-id'] ?? '',
      path: request.url ?? '',
      headers,
      body: Buffer.concat(chunks).toString(),
      at: performance.now(),
    }
    received.push(message)
    answering(response, message, received.length - 1)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}/hook`,
    received,
    /** Behaves otherwise from now on. */
    become: (next: Answer) => {
      answering = next
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** What the official library makes of a message. Throws when a signature, or its time, is wrong. */
export function verified(
  { body, headers }: Received,
  secret: string,
): { type: string; timestamp: string; data: Record<string, unknown> } {
  return new Webhook(secret).verify(body, headers) as ReturnType<typeof verified>
}

/** Takes a message, and never answers. */
export const hang: Answer = () => {}

export const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(code, headers).end()
