import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { freePort } from '../../services/standalone/ports.ts'
import { cat, startApi, type TestApi } from '../support/api.ts'
import { type DialSpy, spyOnDials } from '../support/dial-spy.ts'
import { waitFor } from '../support/wait-for.ts'

type Serve = (request: IncomingMessage, response: ServerResponse) => unknown

const MAX_BYTES = 200_000

/** Serves what a test says, on 127.0.0.1; counts its requests. */
async function startServer() {
  let serve: Serve = (_request, response) => response.end()
  let requests = 0
  let unfinished = 0
  const server = createServer((request, response) => {
    requests += 1
    unfinished += 1
    response.once('close', () => {
      unfinished -= 1
    })
    serve(request, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    requests: () => requests,
    /** Answers that it is still sending, or has not begun. */
    unfinished: () => unfinished,
    serves(what: Serve) {
      serve = what
      requests = 0
    },
    stop() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}

let photo: Buffer
let server: Awaited<ReturnType<typeof startServer>>
let closedPort: number
let api: TestApi
let dials: DialSpy

beforeAll(async () => {
  dials = await spyOnDials((address) => address === '127.0.0.1')
  photo = await cat()
  server = await startServer()
  closedPort = await freePort('127.0.0.1')
  api = await startApi({ env: { ...allowed(), PIXWARDEN_MAX_UPLOAD_BYTES: String(MAX_BYTES) } })
})
afterAll(async () => {
  await api?.discard()
  await server?.stop()
  dials?.restore()
})
beforeEach(() => server.serves((_request, response) => response.end(photo)))
afterEach(() => expect(dials.dialled).toEqual([]))

const allowed = () => ({
  PIXWARDEN_OUTBOUND_ALLOW: '127.0.0.1',
  PIXWARDEN_OUTBOUND_PORTS: [80, 443, server.port, closedPort].join(),
})

/** Submits `{"url"}` and reads the answer. */
async function submit(
  url: string,
  { to = api, query = '', key, ...fields }: { to?: TestApi; query?: string; key?: string; [field: string]: unknown } = {},
) {
  const response = await to.call(`/v1/uploads${query}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key !== undefined && { 'idempotency-key': key }) },
    body: JSON.stringify({ url, ...fields }),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> & { id: string } }
}

const stored = async (id: string) => (await api.call(`/v1/uploads/${id}`)).json()

const redirectsTo = (location: string): Serve => {
  return ({ url }, response) => (url === '/end' ? response.end(photo) : response.writeHead(302, { location }).end())
}
/** `/3` goes to `/2`, and so on; `/0` is the photo. */
const countdown: Serve = ({ url }, response) => {
  const left = Number(url?.slice(1))
  if (left === 0) response.end(photo)
  else response.writeHead([301, 302, 303, 307, 308][left % 5] as number, { location: `./${left - 1}` }).end('moved')
}

describe('an image is fetched from its URL', () => {
  test('and stored as one that was sent, with its fields', async () => {
    const metadata = { seller: { id: 7 } }
    const { status, body } = await submit(`${server.url}/a/cat.jpg?b=c#d`, {
      query: '?source=shop',
      external_id: 'ad-17',
      uploader: 'member-7',
      metadata,
    })
    expect(status).toBe(202)
    const sent = (await (await api.post(photo)).json()) as { id: string }
    expect(await stored(body.id)).toMatchObject({
      external_id: 'ad-17',
      source: 'shop',
      uploader: 'member-7',
      metadata,
      image: ((await stored(sent.id)) as { image: unknown }).image,
    })
  })

  test('and decided, within the wait', async () => {
    const before = (await api.remains()).rows
    const answer = submit(`${server.url}/`, { query: '?wait=20' })
    await waitFor(async () => (await api.remains()).rows > before, { what: 'the upload to be stored' })
    const { rows } = await api.database.query(
      "SELECT id FROM pixwarden.uploads WHERE status = 'pending' ORDER BY id DESC LIMIT 1",
    )
    await api.conclude(rows[0]?.id as string)
    expect(await answer).toMatchObject({ status: 200, body: { id: rows[0]?.id, status: 'decided', action: 'approve' } })
  })

  test('without telling its server anything of the caller', async () => {
    let headers: IncomingMessage['headers'] = {}
    let target: string | undefined
    server.serves((request, response) => {
      headers = request.headers
      target = request.url
      response.end(photo)
    })
    await submit(`${server.url}/x?y=z#w`)
    expect(target).toBe('/x?y=z')
    expect(Object.keys(headers).sort()).toEqual(['accept', 'accept-encoding', 'connection', 'host', 'user-agent'])
  })

  test('whatever its server calls it', async () => {
    server.serves((_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(photo))
    expect((await submit(server.url)).status).toBe(202)
  })

  test.each([1, 2, 3])('over %i redirects', async (redirects) => {
    server.serves(countdown)
    expect((await submit(`${server.url}/${redirects}`)).status).toBe(202)
    expect(server.requests()).toBe(redirects + 1)
  })
})

const notFetched = (reason: string) => ({ code: 'fetch-failed', reason })
const pixels = Buffer.from('89504e470d0a1a0a0000000d494844520000' + '1f40' + '0000' + '1900' + '0802000000', 'hex')

describe('an image is refused, and leaves nothing,', () => {
  const cases: [what: string, serve: Serve, status: number, problem: Record<string, unknown>][] = [
    ['after the fourth redirect', countdown, 422, notFetched('redirect')],
    ['in a circle of redirects', redirectsTo('/'), 422, notFetched('redirect')],
    ['when a redirect names no target', (_, response) => response.writeHead(302).end(), 422, notFetched('redirect')],
    ['when a redirect leaves HTTP', redirectsTo('ftp://127.0.0.1/end'), 422, notFetched('redirect')],
    ['when a redirect carries a password', redirectsTo('http://a:b@127.0.0.1/end'), 422, notFetched('redirect')],
    ['when it redirects to a metadata service', redirectsTo('http://169.254.169.254/'), 422, { code: 'forbidden-target' }],
    ['when it redirects to a private address', redirectsTo('https://10.0.0.1/'), 422, { code: 'forbidden-target' }],
    ['when it redirects to loopback', redirectsTo('//127.0.0.2/'), 422, { code: 'forbidden-target' }],
    ['when it redirects to localhost', redirectsTo('http://localhost/'), 422, { code: 'forbidden-target' }],
    ['when it redirects to another port', redirectsTo('http://127.0.0.1:6379/'), 422, { code: 'forbidden-target' }],
    [
      'when it is not there',
      (_, response) => response.writeHead(404).end(photo),
      422,
      { ...notFetched('status'), remote_status: 404 },
    ],
    [
      'when its server fails',
      (_, response) => response.writeHead(500).end(),
      422,
      { ...notFetched('status'), remote_status: 500 },
    ],
    [
      'when it is partial',
      (_, response) => response.writeHead(206).end(photo),
      422,
      { ...notFetched('status'), remote_status: 206 },
    ],
    ['when it is empty', (_, response) => response.end(), 400, { code: 'empty-body' }],
    [
      'when it is a page, whatever its name and type say',
      (_, response) => response.writeHead(200, { 'content-type': 'image/jpeg' }).end(`<html>${'no image '.repeat(1000)}`),
      415,
      { code: 'unsupported-media-type' },
    ],
    [
      'when it has too many pixels',
      (_, response) => response.write(Buffer.concat([pixels, Buffer.alloc(9000)])),
      413,
      { code: 'too-many-pixels' },
    ],
    [
      'when it says that it is too large',
      (_, response) => response.writeHead(200, { 'content-length': MAX_BYTES + 1 }).write(photo),
      413,
      { code: 'payload-too-large', max_bytes: MAX_BYTES },
    ],
    ['when it is too large without saying so', floods, 413, { code: 'payload-too-large', max_bytes: MAX_BYTES }],
    ['when the connection is reset before an answer', ({ socket }) => socket.resetAndDestroy(), 422, notFetched('connection')],
    [
      'when the connection is reset in the middle',
      ({ socket }, response) => response.write(photo.subarray(0, 9000), () => socket.resetAndDestroy()),
      422,
      notFetched('connection'),
    ],
    [
      'when bytes are missing at the end',
      ({ socket }, response) =>
        response.writeHead(200, { 'content-length': photo.length }).write(photo.subarray(0, 9000), () => socket.end()),
      422,
      notFetched('connection'),
    ],
    ['when its server speaks no HTTP', ({ socket }) => socket.end('SSH-2.0-OpenSSH_9.6\r\n'), 422, notFetched('connection')],
  ]

  test.each(cases)('%s', async (_what, serve, status, problem) => {
    const before = await api.remains()
    server.serves(serve)
    const answer = await submit(`${server.url}/9`)
    expect(answer.body).toMatchObject({ status, detail: expect.any(String), ...problem })
    expect(answer.status).toBe(status)
    expect(await api.remains()).toEqual(before)
    await waitFor(() => server.unfinished() === 0, { what: 'the connection to be closed' })
  })

  test.each([
    ['when nothing listens there', () => `http://127.0.0.1:${closedPort}/`, 422, 'fetch-failed'],
    ['when its address is private', () => 'http://192.168.1.1/cat.jpg', 422, 'forbidden-target'],
    ['when its port is not allowed', () => 'http://127.0.0.1:22/', 422, 'forbidden-target'],
    ['when its URL has a password', () => `http://a:b@127.0.0.1:${server.port}/`, 400, 'invalid-request'],
    ['when its URL is none', () => 'cat.jpg', 400, 'invalid-request'],
    ['when its URL is a file’s', () => 'file:///etc/passwd', 400, 'invalid-request'],
  ])('%s', async (_what, url, status, code) => {
    expect(await submit(url())).toMatchObject({ status, body: { code } })
    expect(server.requests()).toBe(0)
  })

  test.each([
    ['a field that does not exist', { uri: 'x' }],
    ['metadata that is no object', { metadata: 'text' }],
    ['an id that is no text', { external_id: 17 }],
  ])('with %s', async (_what, fields) => {
    expect(await submit(server.url, fields)).toMatchObject({ status: 400, body: { code: 'invalid-request' } })
    expect(server.requests()).toBe(0)
  })

  test('without a word about the network inside', async () => {
    const { body } = await submit('http://10.0.0.1/')
    const { instance: _, ...said } = body
    expect(said).toEqual({
      type: 'urn:pixwarden:problem:forbidden-target',
      title: expect.any(String),
      status: 422,
      code: 'forbidden-target',
      detail: 'the host has no public address',
    })
  })

  /** Writes for as long as somebody listens. */
  function floods(_request: IncomingMessage, response: ServerResponse): void {
    response.write(photo)
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(10_000)));
    }
    response.on('drain', more)
    more()
  }
})

describe('a slow server', () => {
  let impatient: TestApi
  beforeAll(async () => {
    impatient = await startApi({
      env: { ...allowed(), PIXWARDEN_FETCH_TIMEOUT_MS: '1000', PIXWARDEN_MAX_UPLOADS_IN_FLIGHT: '2' },
    })
  })
  afterAll(() => impatient?.discard())

  test.each<[what: string, serve: Serve]>([
    ['that does not answer', () => {}],
    ['that sends drop by drop', (_request, response) => drip(response)],
    ['that redirects slowly', (_request, response) => setTimeout(() => response.writeHead(302, { location: '/' }).end(), 400)],
  ])('%s is given up', async (_what, serve) => {
    server.serves(serve)
    expect(await submit(server.url, { to: impatient })).toMatchObject({ status: 422, body: notFetched('timeout') })
    expect(await impatient.remains()).toEqual({ rows: 0, files: 0 })
  })

  test('does not keep those out who bring their images along', async () => {
    let arrived = () => {}
    const held = new Promise<void>((resolve) => {
      arrived = resolve
    })
    server.serves(() => arrived())
    const slow = submit(server.url, { to: impatient })
    await held
    expect(await submit(server.url, { to: impatient })).toMatchObject({ status: 503, body: { code: 'overloaded' } })
    expect((await impatient.post(photo)).status).toBe(202)
    expect((await slow).status).toBe(422)
  })

  function drip(response: ServerResponse): void {
    response.write(photo.subarray(0, 5000))
    const timer = setInterval(() => response.write(photo.subarray(0, 10)), 20)
    response.once('close', () => clearInterval(timer))
  }
})

describe('with an idempotency key', () => {
  test('a URL that is submitted again is the same upload, and not fetched again', async () => {
    const first = await submit(server.url, { key: 'url-1', source: 'shop' })
    server.serves((_request, response) => response.writeHead(410).end())
    const second = await submit(server.url, { key: 'url-1', query: '?source=shop' })
    expect(second).toMatchObject({ status: 202, body: { id: first.body.id } })
    expect(server.requests()).toBe(0)
  })

  test.each([
    ['another URL', () => `${server.url}/other`, {}],
    ['other fields', () => server.url, { source: 'shop' }],
  ])('%s is another request', async (what, url, fields) => {
    await submit(server.url, { key: what.replace(' ', '-') })
    expect(await submit(url(), { key: what.replace(' ', '-'), ...fields })).toMatchObject({
      status: 422,
      body: { code: 'idempotency-key-reused' },
    })
  })

  test('a fetch that failed may be tried again', async () => {
    server.serves((_request, response) => response.writeHead(503).end())
    expect((await submit(server.url, { key: 'url-2' })).status).toBe(422)
    server.serves((_request, response) => response.end(photo))
    expect((await submit(server.url, { key: 'url-2' })).status).toBe(202)
  })
})

test('a fetch ends when the caller goes away', async () => {
  const before = await api.remains()
  const fetched = new Promise<ServerResponse>((resolve) => {
    server.serves((_request, response) => {
      response.write(photo.subarray(0, 9000))
      resolve(response)
    })
  })
  const caller = new AbortController()
  const gone = api.call('/v1/uploads', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ url: server.url }),
    signal: caller.signal,
  })
  const response = await fetched
  caller.abort()
  await expect(gone).rejects.toThrow()
  await once(response, 'close')
  await waitFor(async () => (await api.remains()).files === before.files, { what: 'the bytes to be gone' })
  expect(await api.remains()).toEqual(before)
})
