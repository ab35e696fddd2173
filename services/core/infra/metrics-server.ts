import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'
import { cannotListen } from './cannot-listen.ts'

export type MetricsServer = { port: number; close(): Promise<void> }

/** Serves /metrics, and for probes /healthz and with `readiness` what that says as /readyz, on a port of its own that is not meant to be public. Port 0 takes a free one. Throws AppError `invalid-config` when it cannot be had. */
export async function startMetricsServer({
  host,
  port,
  registry,
  readiness,
}: {
  host: string
  port: number
  registry: Registry
  readiness?: () => Record<string, unknown>
}): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    if (request.url === '/healthz') response.end('ok\n')
    else if (request.url === '/readyz' && readiness)
      response.setHeader('content-type', 'application/json').end(`${JSON.stringify(readiness())}\n`)
    else if (request.url === '/metrics')
      registry.metrics().then(
        (text) => response.setHeader('content-type', registry.contentType).end(text),
        () => response.writeHead(500).end(),
      )
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve)).catch((cause) =>
    cannotListen('HOST, PIXWARDEN_METRICS_PORT', { host, port }, cause),
  )
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
