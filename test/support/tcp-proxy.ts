import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'

export type TcpProxy = {
  /** The given URL, with the proxy's address instead of the server's. */
  url: string
  /** Breaks what is connected, and refuses more. */
  cut(): Promise<void>
  /** Takes connections and bytes, and passes nothing on. */
  stall(): void
  /** As at the start: connections get through. */
  mend(): Promise<void>
  close(): Promise<void>
}

/** Stands between a client and the server of `url`, which it can make look down or stuck, without touching the server. */
export async function startTcpProxy(url: string): Promise<TcpProxy> {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  let stalled = false

  const server = createServer((client) => {
    const upstream = connect({ host: target.hostname, port: Number(target.port) })
    for (const [from, to] of [[client, upstream] as const, [upstream, client] as const]) {
      sockets.add(from)
      from.on('data', (bytes) => {
        if (!stalled) to.write(bytes)
      })
      from.on('error', () => {})
      from.once('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  })
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  await listen(0)
  const { port } = server.address() as AddressInfo

  const cut = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    for (const socket of sockets) socket.destroy()
    await closed
  }
  return {
    url: Object.assign(new URL(url), { hostname: '127.0.0.1', port: String(port) }).href,
    cut,
    stall: () => {
      stalled = true
    },
    async mend() {
      stalled = false
      if (!server.listening) await listen(port)
    },
    close: async () => {
      if (server.listening) await cut()
    },
  }
}
