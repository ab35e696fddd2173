import { once } from 'node:events'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { cat, form, startApi, type TestApi } from '../support/api.ts'
import { redisMissing, startRedis } from '../support/redis.ts'
import { skipLoudly } from '../support/skip-loudly.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { mountTmpfs, type Tmpfs, whyNoTmpfs } from '../support/tmpfs.ts'
import { waitFor } from '../support/wait-for.ts'

let photo: Buffer
beforeAll(async () => {
  photo = await cat()
})

/** How often intake said what. */
async function outcomes(api: TestApi): Promise<Record<string, number>> {
  const text = await (await api.call('/metrics')).text()
  const found = text.matchAll(/pixwarden_uploads_total\{outcome="([\w-]+)"\} (\d+)/g)
  return Object.fromEntries([...found].map(([, outcome, count]) => [outcome, Number(count)]))
}

/** Uploads until the answer is `status`, and resolves to that answer. */
function postUntil(api: TestApi, status: number): Promise<Response> {
  return waitFor(
    async () => {
      const response = await api.post(photo)
      return response.status === status && response
    },
    { what: `an upload to be answered ${status}` },
  )
}

describe('while uploads of many bytes are being received', () => {
  let api: TestApi
  const sockets: Socket[] = []

  beforeAll(async () => {
    api = await startApi({ env: { PIXWARDEN_MAX_BYTES_IN_FLIGHT: '200000' } })
  })
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy()
    await waitFor(async () => (await incoming()) === 0, { what: 'the uploads that broke off to be gone' })
  })
  afterAll(() => api?.discard())

  const incoming = async () => (await readdir(path.join(api.blobs, '.incoming')).catch(() => [])).length

  /** A request with a part of its body, once intake has begun with it. */
  async function begin(header: string, ...pieces: Uint8Array[]): Promise<Socket> {
    const before = await incoming()
    const socket = connect(api.port, '127.0.0.1').on('error', () => {})
    sockets.push(socket)
    socket.write(
      `POST /v1/uploads HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${api.key}\r\ncontent-type: image/jpeg\r\n${header}\r\n\r\n`,
    )
    for (const piece of pieces) socket.write(piece)
    await waitFor(async () => (await incoming()) > before, { what: 'the upload to begin' })
    return socket
  }

  const chunk = (bytes: Uint8Array) =>
    Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])
  const answerOf = async (socket: Socket) => ((await once(socket, 'data')) as [Buffer])[0].toString()

  test('what is announced counts: one more is told to come back, until there is room', async () => {
    const announced = await begin('content-length: 190000', photo.subarray(0, 20_000))
    const before = await api.remains()
    const refused = await api.post(photo)
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toBe('1')
    expect(await refused.json()).toMatchObject({ code: 'overloaded', detail: expect.stringContaining('200000 bytes') })
    expect(await api.remains()).toEqual(before)
    announced.write(Buffer.concat([photo, Buffer.alloc(190_000 - 20_000 - photo.length)]))
    expect(await answerOf(announced)).toContain('HTTP/1.1 202')
    expect((await api.post(photo)).status).toBe(202)
  })

  test('what is not announced counts as it comes: the one that goes too far is refused, and leaves nothing', async () => {
    await begin('content-length: 150000', photo.subarray(0, 20_000))
    const before = await api.remains()
    const creeping = await begin('transfer-encoding: chunked', chunk(photo.subarray(0, 20_000)))
    creeping.write(chunk(Buffer.alloc(40_000)))
    const answer = await answerOf(creeping)
    expect(answer).toContain('HTTP/1.1 503')
    expect(answer.toLowerCase()).toContain('retry-after: 1')
    await waitFor(async () => (await api.remains()).files === before.files, { what: 'its bytes to be gone' })
    expect(await api.remains()).toEqual(before)
  })

  test('one that is alone may be larger than all together, with a length or without, in a form too', async () => {
    const large = Buffer.concat([photo, Buffer.alloc(400_000)])
    expect((await api.post(large)).status).toBe(202)
    expect((await api.post(new Blob([large]).stream())).status).toBe(202)
    expect((await api.call('/v1/uploads', { method: 'POST', body: form(large) })).status).toBe(202)
  })
})

test('while too many uploads wait for their decision, others are told to come back; some decisions later they are taken', async () => {
  const api = await startApi({ env: { PIXWARDEN_MAX_PENDING_UPLOADS: '2' } })
  try {
    const refused = await postUntil(api, 503)
    expect(await refused.json()).toMatchObject({ code: 'overloaded', detail: expect.stringContaining('2 uploads wait') })
    expect(refused.headers.get('retry-after')).toBe('10')
    const waiting = await api.uploads.pendingIds({ olderThanMs: 0, limit: 1000 })
    expect(waiting.length).toBeGreaterThanOrEqual(2)
    expect(await api.remains()).toEqual({ rows: waiting.length, files: waiting.length })
    expect((await outcomes(api)).overloaded).toBeGreaterThanOrEqual(1)
    for (const id of waiting) await api.conclude(id)
    await postUntil(api, 202)
  } finally {
    await api.discard()
  }
})

describe('a disk', () => {
  const cannotMount = skipLoudly('what happens on a disk that is full', whyNoTmpfs())

  test('with less room than is asked for takes no upload', async () => {
    const api = await startApi({ env: { PIXWARDEN_MIN_FREE_DISK_MB: '1000000000' } })
    try {
      const refused = await postUntil(api, 507)
      expect(await refused.json()).toMatchObject({ code: 'storage-full' })
      const { rows, files } = await api.remains()
      expect(files).toBe(rows)
      await api.post(photo)
      expect(await api.remains()).toEqual({ rows, files })
    } finally {
      await api.discard()
    }
  })

  describe.skipIf(cannotMount)('that fills up', () => {
    const room = async (kiB: number, env: Record<string, string>, use: (api: TestApi, disk: Tmpfs) => Promise<void>) => {
      const disk = mountTmpfs(kiB)
      const api = await startApi({ env: { ...env, PIXWARDEN_BLOB_DIR: path.join(disk.dir, 'blobs') } })
      try {
        await use(api, disk)
      } finally {
        await api.discard()
        disk.unmount()
      }
    }

    test('is not filled to its end, and takes uploads again once there is room', () =>
      room(4096, { PIXWARDEN_MIN_FREE_DISK_MB: '2' }, async (api, disk) => {
        expect((await api.post(photo)).status).toBe(202)
        const ballast = path.join(disk.dir, 'ballast')
        await writeFile(ballast, Buffer.alloc(3_000_000))
        await postUntil(api, 507)
        await rm(ballast)
        await postUntil(api, 202)
      }))

    test('to its end answers 507, keeps all that it took, and no part of what it did not', () =>
      room(1024, { PIXWARDEN_MIN_FREE_DISK_MB: '0' }, async (api) => {
        const taken: string[] = []
        const refused = await waitFor(
          async () => {
            const response = await api.post(photo)
            if (response.status !== 202) return response
            taken.push(((await response.json()) as { id: string }).id)
            return undefined
          },
          { what: 'the disk to be full' },
        )
        expect(refused.status).toBe(507)
        expect(await refused.json()).toMatchObject({ code: 'storage-full' })
        expect(taken.length).toBeGreaterThan(5)
        expect(await api.remains()).toEqual({ rows: taken.length, files: taken.length })
        const flood = await Promise.all(Array.from({ length: 20 }, () => api.post(photo)))
        expect(new Set(flood.map(({ status }) => status))).toEqual(new Set([507]))
        expect(await api.remains()).toEqual({ rows: taken.length, files: taken.length })
        for (const id of taken) expect((await api.call(`/v1/uploads/${id}`)).status).toBe(200)
        expect(await outcomes(api)).toMatchObject({ accepted: taken.length, 'storage-full': 21 })

        await rm(path.join(api.blobs, 'default'), { recursive: true })
        expect((await api.post(photo)).status).toBe(202)
      }))
  })
})

describe('a key that may send 3 uploads in a minute', () => {
  const standing = ({ status, headers }: Response) => [status, headers.get('ratelimit-limit'), headers.get('ratelimit-remaining')]
  const send = (api: TestApi, key = api.key) => api.post(photo, { headers: { authorization: `Bearer ${key}` } })

  test('hears how many are left, is then told when to come back, and is let in again by then; other keys are not held up', async () => {
    const api = await startApi({ env: { PIXWARDEN_RATE_LIMIT: '3' } })
    try {
      for (const left of ['2', '1', '0']) expect(standing(await send(api))).toEqual([202, '3', left])
      const before = await api.remains()
      const refused = await send(api)
      expect(standing(refused)).toEqual([429, '3', '0'])
      const wait = Number(refused.headers.get('retry-after'))
      expect(wait).toBeGreaterThan(0)
      expect(wait).toBeLessThanOrEqual(60)
      expect(refused.headers.get('content-type')).toContain('application/problem+json')
      expect(await refused.json()).toMatchObject({ code: 'rate-limited', status: 429, retry_after: wait })
      expect(await api.remains()).toEqual(before)
      expect(await outcomes(api)).toMatchObject({ accepted: 3, 'rate-limited': 1 })

      expect((await send(api, await api.createKey(['intake']))).status).toBe(202)
      expect((await api.call('/v1/decisions')).status).toBe(200)

      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + wait * 1000 })
      expect(standing(await send(api))).toEqual([202, '3', '2'])
    } finally {
      vi.useRealTimers()
      await api.discard()
    }
  })

  test.skipIf(redisMissing())(
    'is counted over all APIs in Redis, and not while that is away or silent: nobody waits for it',
    async () => {
      const redis = await startRedis()
      const proxy = await startTcpProxy(redis.url)
      const env = { PIXWARDEN_RATE_LIMIT: '3', REDIS_URL: proxy.url }
      const one = await startApi({ env })
      const other = await startApi({ env })
      const { rows } = await one.database.query('SELECT id, key_hash FROM pixwarden.api_keys')
      await other.database.query('UPDATE pixwarden.api_keys SET id = $1, key_hash = $2', [rows[0].id, rows[0].key_hash])
      const limited = (api: TestApi) =>
        waitFor(async () => (await send(api, one.key)).status === 429, { what: 'the limit to hold' })
      try {
        await limited(one)
        expect((await send(other, one.key)).status).toBe(429)

        for (const trouble of ['away', 'silent']) {
          if (trouble === 'away') await proxy.cut()
          else proxy.stall()
          const times: number[] = []
          for (let upload = 0; upload < 6; upload++) {
            const startedAt = performance.now()
            expect((await send(one)).status).toBe(202)
            times.push(performance.now() - startedAt)
          }
          // The fastest is what the service does; the others may have waited for this machine.
          expect(Math.min(...times), trouble).toBeLessThan(250)
          await proxy.cut()
          await proxy.mend()
          await limited(one)
        }
      } finally {
        await other.discard()
        await one.discard()
        await proxy.close()
        await redis.stop()
      }
    },
  )
})

test('wrong keys from one address are soon refused without a look at the database, and keys in use are not', async () => {
  const api = await startApi()
  const ask = (key: string) => api.call('/v1/policies', { headers: { authorization: `Bearer ${key}` } })
  const wrong = (index: number) => `pxw_${String(index).padStart(43, '0')}`
  try {
    expect((await ask(api.key)).status).toBe(200)
    const answers = await Promise.all(Array.from({ length: 300 }, (_, index) => ask(wrong(index))))
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(100)
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused).toHaveLength(200)
    expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await refused[0]?.json()).toMatchObject({ code: 'rate-limited' })

    await api.database.query('ALTER TABLE pixwarden.api_keys RENAME TO gone')
    for (let index = 1000; index < 1100; index++) expect((await ask(wrong(index))).status).toBe(429)
    await api.database.query('ALTER TABLE pixwarden.gone RENAME TO api_keys')
    expect((await ask(api.key)).status).toBe(200)
  } finally {
    await api.discard()
  }
})
