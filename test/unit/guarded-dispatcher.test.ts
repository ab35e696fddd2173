import type { LookupAddress } from 'node:dns'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type LookupFunction } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { type Dispatcher, request } from 'undici'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createGuardedDispatcher, type GuardedDispatcherOptions } from '../../services/core/infra/guarded-dispatcher.ts'
import { parseAllowList } from '../../services/core/infra/parse-allow-list.ts'
import { type DialSpy, spyOnDials } from '../support/dial-spy.ts'
import { hostileUrls } from '../support/hostile-urls.ts'

type Resolve = (host: string) => string[] | NodeJS.ErrnoException

const allowing = (list: string) => parseAllowList(list).allow
const NOTHING = { networks: [], hosts: new Set<string>() }
const RULES = { allow: NOTHING, ports: [80, 443] }

/** What the names of these tests lead to; others do not exist. */
const NAMES: Record<string, string[]> = {
  localhost: ['127.0.0.1', '::1'],
  'api.localhost': ['127.0.0.1'],
  'metadata.google.internal': ['169.254.169.254'],
  'intranet.example': ['10.20.30.40'],
  'six.example': ['fd12:3456::1'],
  'zone.example': ['2606:4700:4700::1111%eth0'],
  'mapped.example': ['::ffff:10.0.0.1'],
  'nat64.example': ['64:ff9b::c0a8:101'],
  'both.example': ['93.184.215.14', '10.0.0.1'],
  'short.example': ['127.1'],
  'empty.example': [],
  'public.example': ['93.184.215.14'],
  'dual.example': ['2606:2800:21f:cb07:6820:80da:af6b:8b2c', '93.184.215.14'],
}

const byName: Resolve = (host) =>
  NAMES[host.toLowerCase().replace(/\.$/, '')] ?? Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })

let dials: DialSpy
let opened: (() => unknown)[]

beforeEach(async () => {
  opened = []
  dials = await spyOnDials((address) => address === '127.0.0.1')
  opened.push(dials.restore)
})
afterEach(async () => {
  for (const close of opened.reverse()) await close()
})

function guarded(resolve: Resolve = byName, options: Partial<GuardedDispatcherOptions> = {}): Dispatcher {
  const timeouts = { connectTimeoutMs: 5000, headersTimeoutMs: 5000, bodyTimeoutMs: 5000 }
  const dispatcher = createGuardedDispatcher({
    ...RULES,
    ...timeouts,
    maxResponseBytes: 1000,
    lookup: answering(resolve),
    ...options,
  })
  opened.push(() => dispatcher.destroy())
  return dispatcher
}

/** A resolver as Node calls it. */
function answering(resolve: Resolve): LookupFunction {
  return (host, { all }, callback) => {
    expect(all).toBe(true)
    const found = resolve(host)
    const addresses: LookupAddress[] = Array.isArray(found)
      ? found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
      : []
    process.nextTick(callback, Array.isArray(found) ? null : found, addresses)
  }
}

async function listen(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  opened.push(() => server.close())
  return (server.address() as AddressInfo).port
}

const serve = (handler: RequestListener) => listen(createServer(handler))

/** The code of what a request ends in. */
const failureOf = (url: string, dispatcher: Dispatcher) =>
  request(url, { dispatcher }).then(
    ({ statusCode }) => `answered ${statusCode}`,
    (error: NodeJS.ErrnoException) => error.code,
  )

const refusedNames: [what: string, url: string][] = [
  ['localhost', 'http://localhost/'],
  ['LOCALHOST with a trailing dot', 'http://LOCALHOST./'],
  ['a name under localhost', 'http://api.localhost/'],
  ['a name of a metadata service', 'http://metadata.google.internal/'],
  ['a name for a private address', 'http://intranet.example/'],
  ['such a name with a trailing dot', 'https://intranet.example./'],
  ['such a name in fullwidth letters', 'http://ｉｎｔｒａｎｅｔ。example/'],
  ['a name for a unique local address', 'http://six.example/'],
  ['a name for an address with a zone', 'http://zone.example/'],
  ['a name for a mapped address', 'http://mapped.example/'],
  ['a name for NAT64 of a private address', 'http://nat64.example/'],
  ['a name for a public and a private address', 'http://both.example/'],
  ['a resolver that answers in short forms', 'http://short.example/'],
  ['a name without addresses', 'http://empty.example/'],
  ['a name that does not exist', 'http://nowhere.example/'],
]

describe('never dials', () => {
  test.each([...hostileUrls, ...refusedNames])('%s: %s', async (_what, url) => {
    expect(await failureOf(url, guarded())).toBe('forbidden-target')
    expect(dials.dialled).toEqual([])
  })

  test('a name that was public before and is private now', async () => {
    const answers = [['93.184.215.14'], ['127.0.0.1'], ['93.184.215.14', '::1']]
    let lookups = 0
    const dispatcher = guarded(() => answers[lookups++] ?? [])
    expect(await failureOf('http://rebind.example/', dispatcher)).toBe('ENETUNREACH')
    expect({ lookups, dialled: dials.dialled }).toEqual({ lookups: 1, dialled: ['93.184.215.14:80'] })
    for (const expected of [2, 3]) {
      expect(await failureOf('http://rebind.example/', dispatcher)).toBe('forbidden-target')
      expect(lookups).toBe(expected)
    }
    expect(dials.dialled).toEqual(['93.184.215.14:80'])
  })

  test('what an answer redirects to: following is the caller’s decision, and a request of its own', async () => {
    const port = await serve((_request, response) => response.writeHead(302, { location: 'http://169.254.169.254/' }).end())
    const dispatcher = guarded(byName, { allow: allowing('127.0.0.1'), ports: [port, 80] })
    expect(await failureOf(`http://127.0.0.1:${port}/`, dispatcher)).toBe('answered 302')
    expect(dials.dialled).toEqual([])
  })

  test('and says the same of a name that leads inside as of one that leads nowhere', async () => {
    const said = (url: string) =>
      request(url, { dispatcher: guarded() }).catch(({ code, message, details }) => ({ code, message, details }))
    expect(await said('http://intranet.example/')).toEqual(await said('http://nowhere.example/'))
  })
})

describe('dials', () => {
  test.each([
    ['a public address', 'http://8.8.8.8/', ['8.8.8.8:80']],
    ['a public IPv6 address', 'https://[2606:4700:4700::1111]/', ['[2606:4700:4700::1111]:443']],
    ['NAT64 of a public address', 'http://[64:ff9b::8.8.8.8]/', ['[64:ff9b::808:808]:80']],
    ['where a name leads', 'https://public.example/', ['93.184.215.14:443']],
    ['all that a name leads to', 'http://dual.example/', ['[2606:2800:21f:cb07:6820:80da:af6b:8b2c]:80', '93.184.215.14:80']],
  ])('%s: %s', async (_what, url, expected) => {
    await failureOf(url, guarded())
    expect(dials.dialled).toEqual(expected)
  })

  test.each([
    ['10.0.0.0/8', 'http://10.9.8.7/', '10.9.8.7:80'],
    ['fd00::/8', 'http://[fd12::1]/', '[fd12::1]:80'],
    ['10.20.30.40', 'http://intranet.example/', '10.20.30.40:80'],
    ['192.168.0.0/16', 'http://nat64.example/', '[64:ff9b::c0a8:101]:80'],
    ['Intranet.Example', 'http://intranet.example./', '10.20.30.40:80'],
  ])('what is allowed by %s: %s', async (list, url, expected) => {
    await failureOf(url, guarded(byName, { allow: allowing(list) }))
    expect(dials.dialled).toEqual([expected])
  })

  test.each([
    ['10.0.0.0/8', 'http://11.0.0.1.intranet.example/'],
    ['10.0.0.0/8', 'http://[::ffff:10.0.0.1]/'],
    ['10.0.0.0/8', 'http://172.16.0.1/'],
    ['intranet.example', 'http://10.20.30.40/'],
    ['intranet.example', 'http://six.example/'],
    ['intranet.example', 'http://intranet.example:8080/'],
  ])('nothing that %s does not name: %s', async (list, url) => {
    expect(await failureOf(url, guarded(byName, { allow: allowing(list) }))).toBe('forbidden-target')
    expect(dials.dialled).toEqual([])
  })
})

describe('a server is asked', () => {
  test('by its name, on the address that was checked', async () => {
    const port = await serve(({ headers }, response) => response.end(headers.host))
    const dispatcher = guarded(() => ['127.0.0.1'], { allow: allowing('127.0.0.1'), ports: [port] })
    const { body } = await request(`http://images.example:${port}/`, { dispatcher })
    expect(await body.text()).toBe(`images.example:${port}`)
  })

  test('for the certificate of its name', async () => {
    let named: string | undefined
    const SNICallback = (name: string, done: (error: Error) => void) => {
      named = name
      done(new Error('this server has no certificate'))
    }
    const port = await listen(createTlsServer({ SNICallback }).on('tlsClientError', () => {}))
    const dispatcher = guarded(() => ['127.0.0.1'], { allow: allowing('127.0.0.1'), ports: [port] })
    await expect(request(`https://images.example:${port}/`, { dispatcher })).rejects.toThrow()
    expect(named).toBe('images.example')
  })

  test('directly, whatever proxy the environment names', async () => {
    const port = await serve(({ url }, response) => response.end(url))
    const before = { ...process.env }
    Object.assign(process.env, { HTTP_PROXY: 'http://127.0.0.2:1', http_proxy: 'http://127.0.0.2:1' })
    opened.push(() => {
      process.env = before
    })
    const dispatcher = guarded(byName, { allow: allowing('127.0.0.1'), ports: [port] })
    const { body } = await request(`http://127.0.0.1:${port}/path`, { dispatcher })
    expect(await body.text()).toBe('/path')
    expect(dials.dialled).toEqual([])
  })
})

describe('a server gets no more', () => {
  const local = (port: number, options: Partial<GuardedDispatcherOptions>) =>
    guarded(byName, { allow: allowing('127.0.0.1'), ports: [port], ...options })

  test('time to take a connection than is allowed', async () => {
    // A name that never resolves counts as well.
    const lookup: LookupFunction = () => {}
    const dispatcher = guarded(byName, { connectTimeoutMs: 100, lookup })
    expect(await failureOf('http://public.example/', dispatcher)).toBe('UND_ERR_CONNECT_TIMEOUT')
  })

  test('time to answer than is allowed', async () => {
    const port = await listen(createTcpServer((socket) => opened.push(() => socket.destroy())))
    expect(await failureOf(`http://127.0.0.1:${port}/`, local(port, { headersTimeoutMs: 100 }))).toBe('UND_ERR_HEADERS_TIMEOUT')
  })

  test('silence within an answer than is allowed', async () => {
    const port = await serve((_request, response) => {
      response.write('a')
      opened.push(() => response.destroy())
    })
    const { body } = await request(`http://127.0.0.1:${port}/`, { dispatcher: local(port, { bodyTimeoutMs: 100 }) })
    await expect(body.text()).rejects.toMatchObject({ code: 'UND_ERR_BODY_TIMEOUT' })
  })

  test('bytes in than are allowed', async () => {
    const port = await serve((_request, response) => response.end('x'.repeat(1001)))
    const { body } = await request(`http://127.0.0.1:${port}/`, { dispatcher: local(port, { maxResponseBytes: 1000 }) })
    await expect(body.text()).rejects.toMatchObject({ code: 'UND_ERR_RES_EXCEEDED_MAX_SIZE' })
  })
})
