import { once } from 'node:events'
import { connect } from 'node:net'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cat, form, startApi, type TestApi } from '../support/api.ts'
import { socketClosed } from '../support/socket-closed.ts'
import { waitFor } from '../support/wait-for.ts'

let api: TestApi
let photo: Buffer

beforeAll(async () => {
  api = await startApi()
  photo = await cat()
})
afterAll(() => api?.discard())

const stored = (id: string) => api.call(`/v1/uploads/${id}`).then((response) => response.json())

describe('an image comes in', () => {
  test('as a raw body, with fields in the query', async () => {
    const query = `?external_id=ad-17&source=shop&uploader=member-7&metadata=${encodeURIComponent('{"seller":{"id":7}}')}`
    const response = await api.post(photo, { query, headers: { 'content-type': 'image/jpeg' } })
    expect(response.status).toBe(202)
    const body = (await response.json()) as { id: string; links: { self: string } }
    expect(body).toEqual({ id: expect.any(String), status: 'pending', links: { self: `/v1/uploads/${body.id}` } })
    expect(response.headers.get('location')).toBe(body.links.self)
    expect(await stored(body.id)).toEqual({
      id: body.id,
      status: 'pending',
      external_id: 'ad-17',
      source: 'shop',
      uploader: 'member-7',
      metadata: { seller: { id: 7 } },
      image: {
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        mime: 'image/jpeg',
        width: 451,
        height: 300,
        byte_size: photo.length,
      },
      received_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    })
  })

  test.each(['before', 'after'])('as a form, with its fields %s the file', async (order) => {
    const data = new FormData()
    if (order === 'after') data.append('file', new Blob([photo]), 'x')
    data.append('external_id', 'ad-18')
    data.append('uploader', 'u'.repeat(200))
    data.append('metadata', '{"a":[1,null,"ä"]}')
    if (order === 'before') data.append('file', new Blob([photo]), 'x')
    const response = await api.call('/v1/uploads', { method: 'POST', body: data })
    expect(response.status).toBe(202)
    const { id } = (await response.json()) as { id: string }
    expect(await stored(id)).toMatchObject({
      external_id: 'ad-18',
      uploader: 'u'.repeat(200),
      metadata: { a: [1, null, 'ä'] },
      image: { width: 451 },
    })
  })

  test('in pieces, with no length announced', async () => {
    const pieces = new ReadableStream({
      start(controller) {
        for (let at = 0; at < photo.length; at += 1000) controller.enqueue(photo.subarray(at, at + 1000))
        controller.close()
      },
    })
    const response = await api.post(pieces)
    expect(response.status).toBe(202)
    const { id } = (await response.json()) as { id: string }
    expect(await stored(id)).toMatchObject({ image: { byte_size: photo.length } })
  })

  test('and its job with it', async () => {
    const { id } = (await (await api.post(photo)).json()) as { id: string }
    const { rows } = await api.database.query('SELECT 1 FROM pixwarden_queue.job WHERE id = $1', [id])
    expect(rows).toHaveLength(1)
  })

  test('truncated: the worker decides what that means', async () => {
    const response = await api.post(photo.subarray(0, 5000))
    expect(response.status).toBe(202)
  })

  test('under any name and content type: only the content counts', async () => {
    const png = await sharp({ create: { width: 12, height: 10, channels: 3, background: '#123' } })
      .png()
      .toBuffer()
    const raw = await api.post(png, { headers: { 'content-type': 'image/x-whatever' } })
    const named = await api.call('/v1/uploads', { method: 'POST', body: form(png, {}, 'virus.exe') })
    for (const response of [raw, named]) {
      expect(response.status).toBe(202)
      const { id } = (await response.json()) as { id: string }
      expect(await stored(id)).toMatchObject({ image: { mime: 'image/png', width: 12, height: 10 } })
    }
  })
})

/** A tiny file whose header claims 8000 × 6400 pixels: 51 megapixels. */
const HUGE = {
  png: Buffer.from('89504e470d0a1a0a0000000d494844520000' + '1f40' + '0000' + '1900' + '0802000000', 'hex'),
  gif: Buffer.from('474946383961' + '401f' + '0019' + '0000003b', 'hex'),
}
const text = Buffer.from('This is no image, whatever its name says. '.repeat(40))
const tooLarge = 21_000_000

describe('an upload is refused, and leaves nothing,', () => {
  const cases: [what: string, status: number, code: string, send: () => Promise<Response>][] = [
    ['with an empty body', 400, 'empty-body', () => api.post(Buffer.alloc(0))],
    ['without any body', 400, 'empty-body', () => api.call('/v1/uploads', { method: 'POST' })],
    ['with an empty file in a form', 400, 'empty-body', () => submit(form(Buffer.alloc(0)))],
    ['with a form that has no file', 400, 'invalid-request', () => submit(form(undefined, { source: 'shop' }))],
    ['with a file under another name', 400, 'invalid-request', () => submit(renamed('image'))],
    ['with two files', 400, 'invalid-request', () => submit(twoFiles())],
    ['with an uploader of 201 characters', 400, 'invalid-request', () => submit(form(photo, { uploader: 'u'.repeat(201) }))],
    ['with a field that does not exist', 400, 'invalid-request', () => submit(form(photo, { extern_id: '1' }))],
    ['with a query that does not exist', 400, 'invalid-request', () => api.post(photo, { query: '?wiat=3' })],
    ['with metadata that is no object', 400, 'invalid-request', () => submit(form(photo, { metadata: '[1]' }))],
    ['with metadata that is no JSON', 400, 'invalid-request', () => submit(form(photo, { metadata: '{' }))],
    ['with metadata that cannot be stored', 400, 'invalid-request', () => submit(form(photo, { metadata: '{"a":"\\u0000"}' }))],
    ['with half a surrogate pair', 400, 'invalid-request', () => submit(form(photo, { metadata: '{"a":"\\ud800"}' }))],
    ['with metadata nested without end', 400, 'invalid-request', () => submit(form(photo, { metadata: nested(5000) }))],
    ['with a NUL in a field', 400, 'invalid-request', () => api.post(photo, { query: '?source=a%00b' })],
    ['with a wait beyond 30 s', 400, 'invalid-request', () => api.post(photo, { query: '?wait=31' })],
    [
      'when a form breaks off',
      400,
      'invalid-request',
      () => rawForm('--b\r\ncontent-disposition: form-data; name="file"; filename="x"\r\n\r\nab'),
    ],
    ['when a form has no boundary', 400, 'invalid-request', () => rawForm('--b--\r\n', 'multipart/form-data')],
    ['when it is text', 415, 'unsupported-media-type', () => api.post(text)],
    ['when its extension lies', 415, 'unsupported-media-type', () => submit(form(text, {}, 'cat.jpg'))],
    [
      'when its content type lies',
      415,
      'unsupported-media-type',
      () => api.post(text, { headers: { 'content-type': 'image/jpeg' } }),
    ],
    [
      'as a kind of body that is not taken',
      415,
      'unsupported-media-type',
      () => api.post(photo, { headers: { 'content-type': 'text/plain' } }),
    ],
    ['as SVG', 415, 'unsupported-media-type', () => api.post(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'))],
    ['as AVIF, unless that is switched on', 415, 'unsupported-media-type', async () => api.post(await avif())],
    ['with 21 MB', 413, 'payload-too-large', () => api.post(jpegOf(tooLarge))],
    ['with 21 MB in a form', 413, 'payload-too-large', () => submit(form(jpegOf(tooLarge)))],
    ['with 21 MB of unknown length', 413, 'payload-too-large', () => api.post(new Blob([jpegOf(tooLarge)]).stream())],
    ['with 30 MB announced', 413, 'payload-too-large', () => api.post(jpegOf(30_000_000))],
    ['with 51 megapixels in a PNG', 413, 'too-many-pixels', () => api.post(HUGE.png)],
    ['with 51 megapixels in a GIF', 413, 'too-many-pixels', () => api.post(HUGE.gif)],
    ['with 51 megapixels in a JPEG', 413, 'too-many-pixels', async () => api.post(await hugeJpeg())],
    ['by JSON without a URL', 400, 'invalid-request', () => json({ uri: 'x' })],
    ['by something that is no JSON', 400, 'invalid-request', () => json('{')],
    ['by JSON without end', 413, 'payload-too-large', () => json({ url: 'x'.repeat(100_000) })],
    [
      'with an idempotency key that is too long',
      400,
      'invalid-request',
      () => api.post(photo, { headers: { 'idempotency-key': 'k'.repeat(256) } }),
    ],
  ]

  test.each(cases)('%s: %i %s', async (_what, status, code, send) => {
    const before = await api.remains()
    const response = await send()
    expect(response.headers.get('content-type')).toContain('application/problem+json')
    const problem = (await response.json()) as { instance: string }
    expect(problem).toMatchObject({ status, code, title: expect.any(String), detail: expect.any(String) })
    expect(problem.instance).toBe(response.headers.get('x-request-id'))
    expect(response.status).toBe(status)
    expect(await api.remains()).toEqual(before)
  })

  test('with the limit that it is beyond, and the kinds of body that are taken', async () => {
    const detailOf = async (response: Response) => ((await response.json()) as { detail: string }).detail
    expect(await detailOf(await api.post(jpegOf(30_000_000)))).toBe('an upload may have at most 20000000 bytes')
    const urlEncoded = { 'content-type': 'application/x-www-form-urlencoded' }
    expect(await detailOf(await api.post(photo, { headers: urlEncoded }))).toMatch(
      /^the content-type is .*urlencoded: send image/,
    )
  })

  test('with every problem of its fields named', async () => {
    const response = await submit(form(photo, { source: '', metadata: '1' }))
    const { errors } = (await response.json()) as { errors: { path: string }[] }
    expect(errors.map(({ path }) => path).sort()).toEqual(['metadata', 'source'])
  })

  test('and counted by its reason', async () => {
    const counted = async () => {
      const metrics = await (await api.call('/metrics')).text()
      return [...metrics.matchAll(/pixwarden_uploads_total\{outcome="([\w-]+)"\} (\d+)/g)].map(([, outcome, n]) => [
        outcome,
        Number(n),
      ])
    }
    const before = Object.fromEntries(await counted())
    await api.post(text)
    await api.post(photo)
    await api.post(photo, { headers: { authorization: 'Bearer pxw_wrong' } })
    const after = Object.fromEntries(await counted())
    for (const outcome of ['unsupported-media-type', 'accepted', 'unauthenticated'])
      expect(after[outcome] - (before[outcome] ?? 0), outcome).toBe(1)
  })

  const submit = (body: FormData) => api.call('/v1/uploads', { method: 'POST', body })
  const json = (body: unknown) =>
    api.post(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), {
      headers: { 'content-type': 'application/json' },
    })
  const rawForm = (body: string, contentType = 'multipart/form-data; boundary=b') =>
    api.post(Buffer.from(body), { headers: { 'content-type': contentType } })
})

describe('a client that', () => {
  test('goes away in the middle leaves nothing', async () => {
    const before = await api.remains()
    const socket = await open(`content-length: ${photo.length}`)
    socket.write(photo.subarray(0, 20_000))
    await waitFor(async () => (await api.remains()).files > before.files, { what: 'the first bytes to be written' })
    socket.destroy()
    await waitFor(async () => (await api.remains()).files === before.files, { what: 'the bytes to be gone' })
    expect(await api.remains()).toEqual(before)
    expect(api.logged.some((line) => line.includes('went away'))).toBe(true)
    expect(await (await api.call('/metrics')).text()).toMatch(/pixwarden_uploads_total\{outcome="abandoned"\} [1-9]/)
  })

  test('sends drop by drop is cut off within 10 s, in its headers as in its body', async () => {
    const before = await api.remains()
    const startedAt = performance.now()
    const inHeaders = connect(api.port, '127.0.0.1')
    inHeaders.write('POST /v1/uploads HTTP/1.1\r\nhost: x\r\n')
    const inBody = await open('content-length: 1000000')
    inBody.write(photo.subarray(0, 2000))
    const drip = setInterval(() => {
      inHeaders.write('x: y\r\n')
      inBody.write(Buffer.alloc(10))
    }, 200)
    await Promise.all([inHeaders, inBody].map((socket) => socketClosed(socket.resume())))
    clearInterval(drip)
    expect(performance.now() - startedAt).toBeLessThan(10_000)
    await waitFor(async () => (await api.remains()).files === before.files, { what: 'the bytes to be gone' })
  })

  test('goes on sending after a refusal still gets to read why', async () => {
    const socket = await open('transfer-encoding: chunked')
    socket.write(`${text.length.toString(16)}\r\n${text}\r\n`)
    for (let sent = 0; sent < 40; sent++) socket.write(`10000\r\n${'x'.repeat(0x10000)}\r\n`)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString()).toContain('HTTP/1.1 415')
    socket.destroy()
  })

  test('does not speak HTTP is told so', async () => {
    const socket = connect(api.port, '127.0.0.1')
    socket.write('EHLO example.com\r\n\r\n')
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString()).toMatch(/^HTTP\/1.1 400[\s\S]*application\/problem\+json[\s\S]*invalid-request/)
  })

  async function open(header: string) {
    const socket = connect(api.port, '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write(
      `POST /v1/uploads HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${api.key}\r\ncontent-type: image/jpeg\r\n${header}\r\n\r\n`,
    )
    return socket
  }
})

test('more uploads at once than are allowed are told to come back; those that have hardly begun do not count', async () => {
  const small = await startApi({ env: { PIXWARDEN_MAX_UPLOADS_IN_FLIGHT: '2' } })
  const slow = Array.from({ length: 5 }, () => connect(small.port, '127.0.0.1').on('error', () => {}))
  try {
    for (const socket of slow)
      socket.write(
        `POST /v1/uploads HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${small.key}\r\ncontent-type: image/jpeg\r\ncontent-length: 9999\r\n\r\nx`,
      )
    const held = await Promise.all([hold(small), hold(small)])
    const refused = await small.post(photo)
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(await refused.json()).toMatchObject({ code: 'overloaded' })
    const responses = await Promise.all(held.map(({ finish }) => finish()))
    expect(responses.map(({ status }) => status)).toEqual([202, 202])
    expect((await small.post(photo)).status).toBe(202)
  } finally {
    for (const socket of slow) socket.destroy()
    await small.discard()
  }
})

test('an upload that is still coming when the api stops is taken, and its connection does not hold up the stop', async () => {
  const own = await startApi()
  try {
    const held = await hold(own)
    const stopped = own.stop()
    await waitFor(
      () =>
        fetch(`${own.url}/healthz`).then(
          () => false,
          () => true,
        ),
      { what: 'the api to take no connections' },
    )
    const startedAt = performance.now()
    expect((await held.finish()).status).toBe(202)
    await stopped
    expect(performance.now() - startedAt).toBeLessThan(5000)
  } finally {
    await own.discard()
  }
})

/** An upload that is being received until it is finished. */
async function hold(from: TestApi) {
  const before = (await from.remains()).files
  let finish = () => {}
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(photo.subarray(0, 20_000))
      finish = () => {
        controller.enqueue(photo.subarray(20_000))
        controller.close()
      }
    },
  })
  const response = from.post(body)
  await waitFor(async () => (await from.remains()).files > before, { what: 'the upload to begin' })
  return {
    finish: () => {
      finish()
      return response
    },
  }
}

function renamed(name: string): FormData {
  const data = new FormData()
  data.append(name, new Blob([photo]), 'cat.jpg')
  return data
}

function twoFiles(): FormData {
  const data = form(photo)
  data.append('file', new Blob([photo]), 'again.jpg')
  return data
}

function nested(depth: number): string {
  return `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`
}

function jpegOf(byteSize: number): Buffer {
  return Buffer.concat([photo, Buffer.alloc(byteSize - photo.length)])
}

/** A real photo whose frame header says that it is larger. */
async function hugeJpeg(): Promise<Buffer> {
  const jpeg = await sharp({ create: { width: 640, height: 480, channels: 3, background: '#765' } })
    .jpeg()
    .toBuffer()
  const at = jpeg.indexOf(Buffer.from([0xff, 0xc0]))
  jpeg.writeUInt16BE(6400, at + 5)
  jpeg.writeUInt16BE(8000, at + 7)
  return jpeg
}

function avif(): Promise<Buffer> {
  return sharp({ create: { width: 64, height: 64, channels: 3, background: '#765' } })
    .avif({ effort: 0 })
    .toBuffer()
}
