import { randomUUID } from 'node:crypto'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Explanation } from '../../services/core/domain/explain.ts'
import { startApi, type TestApi } from '../support/api.ts'
import { type Service, sample, startService } from '../support/service.ts'
import { waitFor } from '../support/wait-for.ts'

const FLAGGED = { action: 'flag', reasonCodes: ['animals'] } as const

describe('the image of an upload, with a worker', () => {
  let service: Service
  let cat: string
  beforeAll(async () => {
    service = await startService({ env: { PIXWARDEN_DECODE_MEMORY_MB: '200' } })
    cat = await flagged(await located('cat.jpg'))
  })
  afterAll(() => service?.stop())

  const MARKS = ['SecretCamera', 'SecretOwner']
  /** With the place and the camera in its EXIF. */
  const located = async (name: string) =>
    sharp(await sample(name))
      .withExif({
        IFD0: { Make: 'SecretCamera', Artist: 'SecretOwner' },
        IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '52/1 31/1 719/100', GPSLongitudeRef: 'E', GPSLongitude: '13/1 24/1 0/1' },
      })
      .toBuffer()

  async function flagged(bytes: Uint8Array): Promise<string> {
    const { body } = await service.upload(bytes, '?wait=30')
    expect(body).toMatchObject({ status: 'decided', action: 'flag' })
    return body.id
  }

  const image = (id: string, variant: string) => service.call(`/v1/uploads/${id}/image?variant=${variant}`)
  const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer())
  const explanation = (id: string, wait = 30) => service.call(`/v1/uploads/${id}/explanation?wait=${wait}`)

  test.each(['original', 'display', 'blurred'])(
    '%s is an image to look at, for nobody to keep and for no page to run',
    async (variant) => {
      const response = await image(cat, variant)
      expect(response.status).toBe(200)
      const headers = Object.fromEntries(response.headers)
      const type = variant === 'original' ? 'image/jpeg' : 'image/webp'
      expect(headers).toMatchObject({
        'content-type': type,
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'content-security-policy': "default-src 'none'; sandbox",
        'content-disposition': `inline; filename="${cat}.${type === 'image/jpeg' ? 'jpg' : 'webp'}"`,
      })
      const bytes = await bytesOf(response)
      expect(headers['content-length']).toBe(String(bytes.length))
      expect((await sharp(bytes).metadata()).width).toBe(variant === 'blurred' ? 256 : 451)
    },
  )

  test('the original is what was uploaded, and only there is what the camera wrote', async () => {
    const original = await bytesOf(await image(cat, 'original'))
    for (const mark of MARKS) expect(original.includes(mark)).toBe(true)
    for (const variant of ['display', 'blurred']) {
      const rendered = await bytesOf(await image(cat, variant))
      expect((await sharp(rendered).metadata()).exif).toBeUndefined()
      for (const mark of [...MARKS, 'GPS', 'Exif']) expect(rendered.includes(mark), `${variant}: ${mark}`).toBe(false)
    }
  })

  test('many who ask at once are answered with the same, which is made once', async () => {
    const id = await flagged(await sample('cat.jpg'))
    const answers = await Promise.all(Array.from({ length: 20 }, () => image(id, 'display')))
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
    const [first, ...others] = await Promise.all(answers.map(bytesOf))
    for (const each of others) expect(each.equals(first as Buffer)).toBe(true)
    const { rows } = await service.database.query('SELECT attempts FROM pixwarden.image_tasks WHERE upload_id = $1', [id])
    expect(rows).toEqual([{ attempts: 1 }])
  })

  test('one that does not decode cannot be shown, other than as it came', async () => {
    const damaged = (await sample('rocket.jpg')).subarray(0, 40_000)
    const id = await flagged(damaged)
    expect(await bytesOf(await image(id, 'original'))).toEqual(damaged)
    const response = await image(id, 'display')
    expect(response.status).toBe(422)
    expect(await response.json()).toMatchObject({ code: 'image-undecodable', detail: expect.stringContaining('damaged') })
    const explained = await explanation(id)
    expect(explained.status).toBe(404)
    expect(await explained.json()).toMatchObject({ code: 'explanation-unavailable' })
  })

  test('one that kills its decoder is tried three times and then left alone, and others are still made', async () => {
    const create = { width: 7000, height: 7000, channels: 3 as const, background: '#888' }
    const id = await flagged(
      await sharp({ create }).jpeg({ progressive: true, chromaSubsampling: '4:4:4', quality: 50 }).toBuffer(),
    )
    const [bad, good] = await Promise.all([image(id, 'display'), image(cat, 'display')])
    expect([bad.status, good.status]).toEqual([422, 200])
    expect(await bad.json()).toMatchObject({ code: 'image-undecodable', detail: 'needed too much memory to decode' })
    expect((await image(id, 'display')).status).toBe(422)
    const { rows } = await service.database.query('SELECT state, attempts FROM pixwarden.image_tasks WHERE upload_id = $1', [id])
    expect(rows).toEqual([{ state: 'failed', attempts: 3 }])
  })

  test('a killed worker’s task is done by the next one', async () => {
    const id = await flagged(await sample('cat.jpg'))
    const [, worker] = service.processes
    worker?.kill('SIGSTOP')
    const asked = image(id, 'display')
    await waitFor(async () => (await tasksOf(id)) === 1, { what: 'the task' })
    worker?.kill('SIGKILL')
    await service.startWorker()
    expect((await asked).status).toBe(200)
  })

  test('why it was flagged is explained by the policies in force, once for all who ask', async () => {
    const [response, again] = [await explanation(cat), await explanation(cat)]
    expect(response.status).toBe(200)
    const explained = (await response.json()) as Explanation
    expect(await again.json()).toEqual(explained)
    expect(explained).toMatchObject({ upload_id: cat, model: { id: 'embedded' }, method: 'occlusion', as_decided: true })
    const decision = await service.decisionOf(cat)
    expect(explained.policies.map(({ id, version, action }) => [id, version, action]).sort()).toEqual(
      decision.policies.map(({ id, version, action }) => [id, version, action]).sort(),
    )
    const rule = explained.policies.find(({ id }) => id === 'live-animals')?.rules[0]
    const decided = decision.policies.find(({ id }) => id === 'live-animals')?.rules[0]
    expect(rule).toMatchObject({ id: 'animal', kind: 'softmax', matched: true, view: 'full', heat_map: { columns: 8, rows: 8 } })
    expect(rule?.score).toBeCloseTo(decided?.score ?? -1, 3)
    expect(rule?.heat_map?.box.height).toBe(1)
    expect(rule?.heat_map?.box.width).toBeCloseTo(300 / 451, 1)
  })

  test('of an approved upload only the phrases are left to explain, for its image is gone', async () => {
    const { body } = await service.upload(await sample('coffee.jpg'), '?wait=30')
    const gone = await waitFor(
      async () => {
        const response = await image(body.id, 'original')
        return response.status === 404 && response
      },
      { timeoutMs: 15_000, what: 'the bytes to be deleted' },
    )
    expect(await gone.json()).toMatchObject({ code: 'image-gone' })
    expect(await (await image(body.id, 'display')).json()).toMatchObject({ code: 'image-gone' })
    const explained = (await (await explanation(body.id)).json()) as Explanation
    const rules = explained.policies.flatMap(({ rules: each }) => each)
    expect(rules.length).toBeGreaterThan(3)
    for (const rule of rules) {
      expect(rule.concepts.length).toBeGreaterThan(0)
      expect(rule.heat_map).toBeUndefined()
    }
  })

  test('goes with everything that was made of it when the upload is erased', async () => {
    const id = await flagged(await sample('cat.jpg'))
    expect((await image(id, 'blurred')).status).toBe(200)
    expect((await explanation(id)).status).toBe(200)
    expect((await service.call(`/v1/uploads/${id}`, { method: 'DELETE' })).status).toBe(204)
    expect(await tasksOf(id)).toBe(0)
    for (const variant of ['original', 'display', 'blurred']) {
      const response = await image(id, variant)
      expect(response.status).toBe(410)
      expect(await response.json()).toMatchObject({ code: 'erased' })
    }
    expect((await explanation(id)).status).toBe(410)
  })

  async function tasksOf(id: string): Promise<number> {
    const { rows } = await service.database.query('SELECT count(*)::int FROM pixwarden.image_tasks WHERE upload_id = $1', [id])
    return rows[0].count
  }
})

describe('without a worker', () => {
  let api: TestApi
  let id: string
  beforeAll(async () => {
    api = await startApi()
    id = ((await (await api.post(await sample('cat.jpg'))).json()) as { id: string }).id
  })
  afterAll(() => api?.discard())

  const get = (route: string, key = api.key) => api.call(`/v1/uploads/${route}`, { headers: { authorization: `Bearer ${key}` } })

  test('a pending upload can be looked at, and not yet be explained', async () => {
    expect((await get(`${id}/image?variant=original`)).status).toBe(200)
    const response = await get(`${id}/explanation`)
    expect(response.status).toBe(409)
    expect(await response.json()).toMatchObject({ code: 'not-decided' })
    await api.conclude(id, { ...FLAGGED, reasonCodes: [...FLAGGED.reasonCodes] })
  })

  test('an explanation is pending', async () => {
    const response = await get(`${id}/explanation?wait=0.1`)
    expect(response.status).toBe(202)
    expect(await response.json()).toEqual({ status: 'pending' })
  })

  test('a rendition is not to be had in time: try again', async () => {
    const response = await get(`${id}/image?variant=blurred&wait=0.1`)
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('2')
    expect(await response.json()).toMatchObject({ code: 'image-not-ready' })
  })

  test.each(['image', 'image?variant=original', 'explanation'])(
    '%s is only for those who review, and for their own tenant',
    async (what) => {
      expect((await get(`${id}/${what}`, await api.createKey(['intake']))).status).toBe(403)
      const other = await get(`${id}/${what}`, await api.createKey(['review'], 'other-tenant'))
      expect(other.status).toBe(404)
      expect(await other.json()).toMatchObject({ code: 'not-found' })
      expect((await get(`${randomUUID()}/${what}`)).status).toBe(404)
    },
  )

  test.each(['image?variant=huge', 'image?width=5', 'image?wait=11', 'explanation?wait=31'])('%s is refused', async (what) => {
    expect((await get(`${id}/${what}`)).status).toBe(400)
  })

  test('the stop of the api is not held up by whoever waits', async () => {
    const own = await startApi()
    try {
      const { id: waiting } = (await (await own.post(await sample('cat.jpg'))).json()) as { id: string }
      const answer = own.call(`/v1/uploads/${waiting}/image?variant=display`)
      await waitFor(async () => (await own.database.query('SELECT FROM pixwarden.image_tasks')).rowCount === 1, {
        what: 'the task',
      })
      const startedAt = performance.now()
      await own.stop()
      expect(performance.now() - startedAt).toBeLessThan(5000)
      expect((await answer).status).toBe(503)
    } finally {
      await own.discard()
    }
  })
})
