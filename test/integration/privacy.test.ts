import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Decision, UploadView } from '../../services/core/domain/decision.ts'
import { packageRoot } from '../../services/core/infra/package-root.ts'
import { cat, form, startApi, type TestApi } from '../support/api.ts'
import { databaseText } from '../support/database-text.ts'
import { sample, stopProcess } from '../support/service.ts'
import { waitFor } from '../support/wait-for.ts'

describe('what a camera writes into a picture', () => {
  let api: TestApi
  let worker: ChildProcess
  let dir: string
  const logged: string[] = []

  beforeAll(async () => {
    api = await startApi()
    dir = await mkdtemp(path.join(os.tmpdir(), 'pixwarden-privacy-'))
    await api.database.query(
      "INSERT INTO pixwarden.webhook_endpoints (id, tenant, url) VALUES (gen_random_uuid(), 'default', 'http://127.0.0.1:9/hook')",
    )
    worker = fork(path.join(packageRoot, 'dist', 'services', 'worker', 'main.js'), {
      env: {
        PATH: process.env.PATH ?? '',
        PIXWARDEN_TUNE: 'off',
        DATABASE_URL: api.database.url,
        PIXWARDEN_BLOB_DIR: api.blobs,
        PIXWARDEN_DATA_DIR: dir,
        PIXWARDEN_POLICIES: api.policies,
        LOG_LEVEL: 'trace',
      },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    })
    worker.stdout?.setEncoding('utf8').on('data', (text: string) => logged.push(text))
    await once(worker, 'message')
  })
  afterAll(async () => {
    if (worker) await stopProcess(worker)
    await api?.discard()
    await rm(dir, { recursive: true, force: true })
  })

  const MARKS = ['MarkOfTheCamera', 'MarkOfTheOwner', 'MarkOfThePlace', 'MarkOfTheComment', 'MarkOfTheTitle', 'MarkOfTheName']
  /** 52° 31' 7.19", as EXIF has it: three fractions. */
  const LATITUDE = Buffer.from('34000000010000001f00000001000000cf02000064000000', 'hex')

  async function photographed(name: string): Promise<Buffer> {
    return sharp(await sample(name))
      .withExif({
        IFD0: { Make: 'MarkOfTheCamera', Artist: 'MarkOfTheOwner' },
        IFD2: { UserComment: 'MarkOfTheComment' },
        IFD3: {
          GPSLatitudeRef: 'N',
          GPSLatitude: '52/1 31/1 719/100',
          GPSLongitudeRef: 'E',
          GPSLongitude: '13/1 24/1 2957/100',
          GPSMapDatum: 'MarkOfThePlace',
        },
      })
      .withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/"><title>MarkOfTheTitle</title></x:xmpmeta>')
      .jpeg()
      .toBuffer()
  }

  async function submit(bytes: Buffer): Promise<Decision> {
    const body = form(bytes, {}, 'MarkOfTheName.jpg')
    const response = await api.call('/v1/uploads?wait=30', { method: 'POST', body })
    expect(response.status).toBe(200)
    return (await response.json()) as Decision
  }

  test('is in no table, no event and no log line, whether it is approved, flagged or does not decode', async () => {
    const photo = await photographed('cat.jpg')
    for (const mark of MARKS.slice(0, 5)) expect(photo.includes(mark), mark).toBe(true)
    expect(photo.includes(LATITUDE)).toBe(true)

    const approved = await submit(await photographed('coffee.jpg'))
    const flagged = await submit(photo)
    const broken = await submit(photo.subarray(0, photo.length / 2))
    expect(approved.action).toBe('approve')
    expect(flagged.recommendation.reason_codes).toEqual(['animals'])
    expect(broken.recommendation.reason_codes).toEqual(['undecodable'])

    const stored = await databaseText(api.database)
    expect(stored).toContain(flagged.image.sha256)
    expect(stored).toContain('review.opened')
    const told = [approved, flagged, broken].map((decision) => JSON.stringify(decision))
    await waitFor(() => logged.join('').includes(broken.id), { what: 'the log of the last decision' })
    const all = [stored, ...told, ...api.logged, logged.join('')].join('\n')
    for (const trace of [...MARKS.map((mark) => Buffer.from(mark)), LATITUDE]) {
      expect(all).not.toContain(trace.toString('latin1'))
      expect(all.toLowerCase()).not.toContain(trace.toString('hex'))
      expect(all).not.toContain(trace.toString('base64').slice(2, -4))
    }
    expect(all).not.toMatch(/\bexif|\bgps|latitude/i)
  })
})

describe('an upload with store=false', () => {
  let api: TestApi
  let photo: Buffer
  let server: Server
  let port: number
  beforeAll(async () => {
    photo = await cat()
    server = createServer((_request, response) => response.end(photo)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
    api = await startApi({ env: { PIXWARDEN_OUTBOUND_ALLOW: '127.0.0.1', PIXWARDEN_OUTBOUND_PORTS: String(port) } })
  })
  afterAll(async () => {
    await api?.discard()
    server?.close()
  })

  test('is marked so in whatever form it comes, and no other is', async () => {
    const byUrl = (fields: object) =>
      api.call('/v1/uploads', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ url: `http://127.0.0.1:${port}/cat.jpg`, ...fields }),
      })
    const byForm = (fields: Record<string, string>) => api.call('/v1/uploads', { method: 'POST', body: form(photo, fields) })
    const requests: [Promise<Response>, boolean][] = [
      [api.post(photo, { query: '?store=false' }), false],
      [byForm({ store: 'false' }), false],
      [byUrl({ store: false }), false],
      [api.post(photo, { query: '?store=true' }), true],
      [byForm({}), true],
      [byUrl({ store: true }), true],
    ]
    for (const [request, keep] of requests) {
      const { id } = (await (await request).json()) as UploadView
      const { rows } = await api.database.query('SELECT keep_image FROM pixwarden.uploads WHERE id = $1', [id])
      expect(rows).toEqual([{ keep_image: keep }])
    }
    expect((await api.post(photo, { query: '?store=maybe' })).status).toBe(400)
    expect((await byForm({ store: '0' })).status).toBe(400)
    expect((await byUrl({ store: 'false' })).status).toBe(400)
  })

  test('is another request than one that is stored', async () => {
    const headers = { 'idempotency-key': 'stored-or-not' }
    expect((await api.post(photo, { headers, query: '?store=true' })).status).toBe(202)
    expect((await api.post(photo, { headers })).status).toBe(202)
    const response = await api.post(photo, { headers, query: '?store=false' })
    expect(response.status).toBe(422)
    expect(await response.json()).toMatchObject({ code: 'idempotency-key-reused' })
  })
})
