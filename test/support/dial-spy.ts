import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

export type DialSpy = {
  /** What this process has dialled, as `address:port`, without what was let through. */
  dialled: string[]
  restore(): void
}

type Connect = (this: unknown, request: unknown, address: string, port: number) => number
type TcpHandle = { connect: Connect; connect6: Connect }

/** What a handle answers when it cannot begin to connect (ENETUNREACH). */
const UNREACHABLE = -101

/**
 * Sits below everything that Node does to connect: each address that would be dialled is written down, and refused unless `letThrough` says otherwise.
 * So a test that fails still sends nothing anywhere.
 */
export async function spyOnDials(letThrough: (address: string) => boolean = () => false): Promise<DialSpy> {
  const handle = await tcpHandlePrototype()
  const { connect, connect6 } = handle
  const dialled: string[] = []
  const spied = (real: Connect): Connect =>
    function (request, address, port) {
      if (letThrough(address)) return real.call(this, request, address, port)
      dialled.push(address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`)
      return UNREACHABLE
    }
  Object.assign(handle, { connect: spied(connect), connect6: spied(connect6) })
  return { dialled, restore: () => void Object.assign(handle, { connect, connect6 }) }
}

/** Node's TCP binding is in no public module, and behind every server. */
async function tcpHandlePrototype(): Promise<TcpHandle> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { _handle } = server as Server & { _handle: TcpHandle }
  const prototype = Object.getPrototypeOf(_handle) as TcpHandle
  server.close()
  return prototype
}
