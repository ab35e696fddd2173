import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'

export type MetricsServer = { port: number; close(): Promise<void> }

/** Serves /metrics, and /healthz for probes, on a port of its own that is not meant to be public. Port 0 takes a free one. */
export async function startMetricsServer({
  host,
  port,
  registry,
}: {
  host: string
  port: number
  registry: Registry
}): Promise<MetricsServer> {
  const server = createServer(async (request, response) => {
    if (request.url === '/healthz') response.end('ok\n')
    else if (request.url === '/metrics') response.setHeader('content-type', registry.contentType).end(await registry.metrics())
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
