import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { packageRoot } from '../../services/core/infra/package-root.ts'
import type { Preprocessing } from '../../services/worker/clip/preprocessing.ts'
import { type DecodedImage, decodeImage } from '../../services/worker/image/decode-image.ts'
import { createDecoder, type Decoder, type DecoderOptions } from '../../services/worker/image/decoder.ts'
import { decoderOpening, decodersOf, isAlive, procMissing } from '../support/decoder-processes.ts'
import { repeatGifFrame } from '../support/odd-pictures.ts'
import { waitFor } from '../support/wait-for.ts'

const MIB = 2 ** 20
const GENEROUS = { cpuMs: 20_000, wallMs: 20_000, memoryBytes: 640 * MIB }
const preprocessing: Preprocessing = {
  resize: { kind: 'shortest-edge', edge: 224 },
  width: 224,
  height: 224,
  resample: 'bicubic',
  rescaleFactor: 1 / 255,
  mean: [0.5, 0.5, 0.5],
  std: [0.5, 0.5, 0.5],
}
const photo = path.join(packageRoot, 'policies/samples/cat.jpg')

let folder: string
/** 24 megapixels: half a second and 72 MB when resized exactly. */
let large: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'pixwarden-decoder-'))
  large = path.join(folder, 'large.png')
  await sharp({ create: { width: 6000, height: 4000, channels: 3, background: '#777' } })
    .png()
    .toFile(large)
})
afterAll(() => rm(folder, { recursive: true }))

function create(options: Partial<DecoderOptions> = {}): Decoder {
  const log = silentLogger()
  return createDecoder({
    ...{ preprocessing, mode: 'exact', decoders: 2, maxPixels: 50_000_000, avif: false, limits: GENEROUS, log },
    ...options,
  })
}

function open(options: Partial<DecoderOptions> = {}): Decoder {
  const decoder = create(options)
  onTestFinished(() => decoder.close())
  return decoder
}

async function save(name: string, bytes: Buffer | string): Promise<string> {
  const file = path.join(folder, name)
  await writeFile(file, bytes)
  return file
}

const failure = (reason: string) => expect.objectContaining({ code: 'decoder-failed', details: { reason } })
const undecodable = (message: RegExp) => expect.objectContaining({ code: 'undecodable', message: expect.stringMatching(message) })

test('many pictures at once come out as they do in this process', async () => {
  const decoder = open()
  const names = ['cat.jpg', 'coffee.jpg', 'flower.jpg', 'temple.jpg']
  const files = names.map((name) => path.join(packageRoot, 'policies/samples', name))
  const expected = await Promise.all(
    files.map((file) => decodeImage(file, { preprocessing, mode: 'exact', maxPixels: 50_000_000 })),
  )
  const decoded = await Promise.all([...files, ...files, ...files].map((file) => decoder.decode(file)))
  for (const [index, { decodeMs, ...image }] of decoded.entries()) {
    expect(digested(image)).toEqual(digested(expected[index % files.length] as DecodedImage))
    expect(decodeMs).toBeGreaterThan(0)
  }
})

describe('what is no sound picture is undecodable', () => {
  let decoder: Decoder
  beforeAll(() => {
    decoder = create({ decoders: 1 })
  })
  afterAll(() => decoder.close())

  test.each<[string, () => Promise<Buffer> | Buffer, RegExp]>([
    [
      'an SVG',
      () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'),
      /format/,
    ],
    ['a TIFF', () => plain().tiff().toBuffer(), /format/],
    ['a PDF', () => Buffer.from('%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>'), /format/],
    ['a PPM', () => Buffer.from('P6 1 1 255\nabc'), /format/],
    ['an AVIF', () => plain().avif({ effort: 0 }).toBuffer(), /format/],
    ['text', () => Buffer.from('hello'), /format/],
    ['nothing', () => Buffer.alloc(0), /format/],
    ['a JPEG that is cut off', async () => (await noisy(300, 200).jpeg().toBuffer()).subarray(0, 9000), /damaged/],
    ['a PNG that is cut off', async () => (await noisy(300, 200).png().toBuffer()).subarray(0, 9000), /damaged/],
    [
      'too large a picture',
      () =>
        sharp({ create: { width: 8000, height: 7000, channels: 3, background: 'red' } })
          .png()
          .toBuffer(),
      /too many pixels/,
    ],
  ])('%s', async (what, bytes, message) => {
    const file = await save(`${what}.jpg`, await bytes())
    await expect(decoder.decode(file)).rejects.toEqual(undecodable(message))
    expect((await decoder.decode(photo)).views).toHaveLength(1)
  })

  test('a file that is not there', async () => {
    await expect(decoder.decode(path.join(folder, 'nowhere.jpg'))).rejects.toEqual(undecodable(/missing/))
  })
})

test('an AVIF is decoded where it is let in', async () => {
  const file = await save('picture.avif', await plain().avif({ effort: 0 }).toBuffer())
  expect(await open({ avif: true }).decode(file)).toMatchObject({ mime: 'image/avif', width: 90, height: 60 })
})

describe.skipIf(procMissing())('a decoder that goes too far is killed, and its neighbours decode on', () => {
  test.each([
    ['cpu', { ...GENEROUS, cpuMs: 100 }],
    ['memory', { ...GENEROUS, memoryBytes: 115 * MIB }],
  ])('over its %s', async (reason, limits) => {
    const decoder = open({ limits })
    const neighbours = [photo, photo, photo, photo].map((file) => decoder.decode(file))
    await expect(decoder.decode(large)).rejects.toEqual(failure(reason))
    for (const { views } of await Promise.all(neighbours)) expect(views).toHaveLength(1)
    expect((await decoder.decode(photo)).views).toHaveLength(1)
  })

  test('killed from outside', async () => {
    const decoder = open()
    const failed = expect(decoder.decode(large)).rejects.toEqual(failure('crash'))
    const neighbours = [photo, photo, photo].map((file) => decoder.decode(file))
    process.kill(await waitFor(() => decoderOpening(large), { what: 'the large picture to be opened' }), 'SIGKILL')
    await failed
    for (const { views } of await Promise.all(neighbours)) expect(views).toHaveLength(1)
  })

  test('killed while it has nothing to do', async () => {
    const decoder = open({ decoders: 1 })
    await decoder.decode(photo)
    const [pid = 0] = decodersOf(process.pid)
    process.kill(pid, 'SIGKILL')
    await waitFor(() => !isAlive(pid), { what: 'the decoder to be gone' })
    expect((await decoder.decode(photo)).views).toHaveLength(1)
  })

  test('in a later frame: the first is judged and the later missing', async () => {
    const frame = await sharp({ create: { width: 2000, height: 1500, channels: 3, background: '#777' } })
      .gif({ effort: 1 })
      .toBuffer()
    const file = await save('long.gif', repeatGifFrame(frame, 400))
    const { views, missing } = await open({ mode: 'fast', limits: { ...GENEROUS, cpuMs: 300 } }).decode(file)
    expect(views.map(({ view }) => view)).toEqual(['full'])
    expect(missing).toEqual(['frame-200'])
  })
})

test('a decoder that takes too long is killed, wherever it runs', async () => {
  const decoder = open({ limits: { ...GENEROUS, wallMs: 50 } })
  await expect(decoder.decode(large)).rejects.toEqual(failure('wall'))
})

describe.skipIf(procMissing())('processes', () => {
  test('are as many as asked for, and replaced when they have done their share', async () => {
    const decoder = open({ decoders: 2, recycleAfter: 3 })
    const first = await waitFor(
      () => {
        const pids = decodersOf(process.pid)
        return pids.length === 2 && pids
      },
      { what: 'two decoders' },
    )
    const decoded = await Promise.all(Array.from({ length: 10 }, () => decoder.decode(photo)))
    expect(decoded).toHaveLength(10)
    await waitFor(() => first.every((pid) => !isAlive(pid)) && decodersOf(process.pid).length === 2, { what: 'both replaced' })
  })

  test('are gone after close, and what waited for them is told', async () => {
    const decoder = open({ decoders: 2 })
    await decoder.decode(photo)
    const waiting = [large, large, photo, photo].map((file) => expect(decoder.decode(file)).rejects.toEqual(failure('closed')))
    await decoder.close()
    expect(decodersOf(process.pid)).toEqual([])
    await Promise.all(waiting)
    await expect(decoder.decode(photo)).rejects.toEqual(failure('closed'))
  })

  test('do not outlive their parent, even when it is killed while they work', async () => {
    const parent = startScript(`decoder.decode(${JSON.stringify(large)}); setInterval(() => {}, 1000)`)
    const pid = await waitFor(() => decodersOf(parent.pid ?? 0)[0], { what: 'a decoder' })
    parent.kill('SIGKILL')
    await waitFor(() => !isAlive(pid), { what: 'the decoder to be gone' })
  })

  test('do not keep their parent alive after close', async () => {
    const script = startScript(`await decoder.decode(${JSON.stringify(photo)}); await decoder.close()`)
    expect(await once(script, 'exit')).toEqual([0, null])
  })

  test('are told nothing of the environment', async () => {
    vi.stubEnv('TEST_SECRET', 'hidden')
    onTestFinished(() => {
      vi.unstubAllEnvs()
    })
    await open({ decoders: 1 }).decode(photo)
    const [pid = 0] = decodersOf(process.pid)
    expect(await readFile(`/proc/${pid}/environ`, 'utf8')).not.toContain('hidden')
  })
})

/** With the pixels as a digest, which compares faster. */
function digested({ views, ...image }: DecodedImage) {
  return { ...image, views: views.map(({ view, pixels }) => [view, createHash('sha256').update(pixels).digest('hex')]) }
}

function startScript(body: string) {
  const decoder = path.join(packageRoot, 'dist/services/worker/image/decoder.js')
  const logger = path.join(packageRoot, 'dist/services/core/infra/logger.js')
  const settings = { preprocessing, mode: 'exact', decoders: 1, maxPixels: 50_000_000, avif: false, limits: GENEROUS }
  const code = `
    import { createDecoder } from ${JSON.stringify(decoder)}
    import { silentLogger } from ${JSON.stringify(logger)}
    const decoder = createDecoder({ ...${JSON.stringify(settings)}, log: silentLogger() })
    ${body}`
  return spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'inherit' })
}

function plain() {
  return sharp({ create: { width: 90, height: 60, channels: 3, background: '#c83020' } })
}

function noisy(width: number, height: number) {
  const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const
  return sharp({ create: { width, height, channels: 3, background: '#777', noise } })
}
