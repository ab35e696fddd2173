import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { AskedViews } from '../../services/core/domain/views.ts'
import { silentLogger } from '../../services/core/infra/logger.ts'
import type { Preprocessing, View } from '../../services/worker/clip/preprocessing.ts'
import { decodeImage } from '../../services/worker/image/decode-image.ts'
import { createDecoder, type Decoder, type DecoderOptions } from '../../services/worker/image/decoder.ts'
import { decodersOf, isAlive, procMissing } from '../support/decoder-processes.ts'
import { repeatGifFrame } from '../support/odd-pictures.ts'

const EDGE = 64
const preprocessing: Preprocessing = {
  resize: { kind: 'shortest-edge', edge: EDGE },
  width: EDGE,
  height: EDGE,
  resample: 'bicubic',
  rescaleFactor: 1 / 255,
  mean: [0.5, 0.5, 0.5],
  std: [0.5, 0.5, 0.5],
}
const TILES: AskedViews = { tiles: true, frames: [] }
const BACK = { r: 120, g: 130, b: 110 }
const MARK = { r: 200, g: 40, b: 30 }
const GRID = ['1-1', '1-2', '1-3', '2-1', '2-2', '2-3'].map((place) => `tile-${place}`)
const LIMITS = { cpuMs: 20_000, wallMs: 20_000, memoryBytes: 640 * 2 ** 20 }

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'pixwarden-views-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function save(name: string, bytes: Buffer): Promise<string> {
  const file = path.join(folder, name)
  await writeFile(file, bytes)
  return file
}

describe.each(['fast', 'exact'] as const)('tiles, resized %s', (mode) => {
  async function decode(bytes: Buffer, { asked = TILES, model = preprocessing } = {}) {
    const file = await save(`${mode}-picture`, bytes)
    return decodeImage(file, { preprocessing: model, mode, maxPixels: 50_000_000 }, { asked })
  }

  test('of a large picture come after the whole, which is what it is without them', async () => {
    const bytes = await marked(0, 0).jpeg({ quality: 95 }).toBuffer()
    const { views, missing } = await decode(bytes)
    expect(namesOf(views)).toEqual(['full', ...GRID])
    expect(missing).toEqual([])
    const without = await decode(bytes, { asked: { tiles: false, frames: [] } })
    expect(namesOf(without.views)).toEqual(['full'])
    expect(views[0]).toEqual(without.views[0])
  })

  test.each([
    ['the top left corner', 0, 0, ['tile-1-1']],
    ['the bottom right corner, which no other view shows', 580, 430, ['tile-2-3']],
    ['the middle of an edge, larger than in the whole', 290, 0, ['full', 'tile-1-2']],
    ['the middle, in more than one', 290, 215, ['full', 'tile-1-2', 'tile-2-2']],
  ])('show what lies in %s', async (_, left, top, places) => {
    const { views } = await decode(await marked(left, top).png().toBuffer())
    expect(namesOf(views.filter((view) => shareOf(MARK, view) > 0))).toEqual(places)
  })

  test('show it larger than the whole does', async () => {
    const { views } = await decode(await marked(290, 215).png().toBuffer())
    const [whole, tile] = ['full', 'tile-1-2'].map((name) =>
      shareOf(
        MARK,
        views.find(({ view }) => view === name),
      ),
    )
    expect(whole).toBeGreaterThan(0)
    expect((tile as number) / (whole as number)).toBeGreaterThan(1.5)
  })

  test.each([3, 5, 6, 8])(
    'are counted as the picture is shown, when it is stored in EXIF orientation %i',
    async (orientation) => {
      const stored = await marked(0, 0).withMetadata({ orientation }).png().toBuffer()
      const upright = await decode(await sharp(stored, { autoOrient: true }).png().toBuffer())
      const { views } = await decode(stored)
      const hit = (of: View[]) => namesOf(of.filter((view) => shareOf(MARK, view) > 0))
      expect(namesOf(views)).toEqual(namesOf(upright.views))
      expect(hit(views)).toEqual(hit(upright.views))
      expect(hit(views)).toHaveLength(1)
    },
  )

  test('on black and on white only where something shines through', async () => {
    const hole = await sharp({ create: { width: 20, height: 20, channels: 3, background: 'white' } })
      .png()
      .toBuffer()
    const bytes = await marked(0, 0)
      .ensureAlpha()
      .composite([{ input: hole, left: 0, top: 0, blend: 'dest-out' }])
      .png()
      .toBuffer()
    const { views } = await decode(bytes)
    expect(namesOf(views).filter((view) => view.startsWith('tile'))).toEqual([
      'tile-1-1-on-black',
      'tile-1-1-on-white',
      ...GRID.slice(1),
    ])
  })

  test('for a model that squashes too', async () => {
    const { views } = await decode(await marked(580, 430).png().toBuffer(), {
      model: { ...preprocessing, resize: { kind: 'squash' } },
    })
    expect(shareOf(MARK, views.at(-1))).toBeGreaterThan(0.005)
  })

  test('there are none of a small picture', async () => {
    const small = sharp({ create: { width: 300, height: 120, channels: 3, background: BACK } })
    const { views, missing } = await decode(await small.png().toBuffer())
    expect([namesOf(views), missing]).toEqual([['full'], []])
  })

  test.each([
    [[8], ['full', 'frame-5', 'frame-1', 'frame-2', 'frame-3', 'frame-6', 'frame-7', 'frame-8']],
    [[3], ['full', 'frame-5', 'frame-3', 'frame-6']],
    [[], ['full', 'frame-5']],
  ])('beside frames %j of an animation of ten', async (frames, expected) => {
    const { views, frames: count } = await decode(await animation(10), { asked: { tiles: true, frames } })
    expect(count).toBe(10)
    expect(namesOf(views)).toEqual(expected)
    const greys = views.map(({ pixels }) => Math.round((pixels[0] as number) / 20))
    expect(greys).toEqual(expected.map((view) => Number(view.split('-')[1] ?? 0)))
  })
})

describe('a decoder', () => {
  function open(options: Partial<DecoderOptions> = {}): Decoder {
    const log = silentLogger()
    const decoder = createDecoder({
      ...{ preprocessing, mode: 'fast', decoders: 1, maxPixels: 50_000_000, avif: false, limits: LIMITS, log },
      ...options,
    })
    onTestFinished(() => decoder.close())
    return decoder
  }

  test('makes of each picture the views that are asked for with it', async () => {
    const decoder = open()
    const file = await save('large.jpg', await marked(0, 0).jpeg().toBuffer())
    expect(namesOf((await decoder.decode(file)).views)).toEqual(['full'])
    expect(namesOf((await decoder.decode(file, TILES)).views)).toEqual(['full', ...GRID])
    const moving = await save('moving.gif', await animation(10))
    expect(namesOf((await decoder.decode(moving, { tiles: true, frames: [4] })).views)).toEqual([
      'full',
      'frame-5',
      'frame-2',
      'frame-7',
    ])
    expect(namesOf((await decoder.decode(file)).views)).toEqual(['full'])
  })

  test('gives the views that it would in this process, each once', async () => {
    const file = await save('same.jpg', await marked(290, 215).jpeg().toBuffer())
    const here = await decodeImage(file, { preprocessing, mode: 'fast', maxPixels: 50_000_000 }, { asked: TILES })
    const { views } = await open().decode(file, TILES)
    expect(namesOf(views)).toEqual(namesOf(here.views))
    for (const [index, { pixels }] of views.entries()) expect(Buffer.compare(pixels, (here.views[index] as View).pixels)).toBe(0)
  })

  test.skipIf(procMissing())(
    'stops before its processor time is over: what it has not tried is missing, and it lives on',
    async () => {
      const frame = await sharp({ create: { width: 1200, height: 900, channels: 3, background: '#777' } })
        .gif({ effort: 1 })
        .toBuffer()
      const file = await save('long.gif', repeatGifFrame(frame, 250))
      const decoder = open({ limits: { ...LIMITS, cpuMs: 1500 } })
      const small = await save('small.gif', await animation(2))
      await decoder.decode(small)
      const [pid = 0] = decodersOf(process.pid)
      const { views, missing } = await decoder.decode(file, { tiles: false, frames: [32] })
      expect(namesOf(views).slice(0, 2)).toEqual(['full', 'frame-125'])
      expect(missing.length).toBeGreaterThan(3)
      expect(views.length + missing.length).toBe(32)
      expect((await decoder.decode(small)).missing).toEqual([])
      expect([isAlive(pid), decodersOf(process.pid)]).toEqual([true, [pid]])
    },
  )

  test.skipIf(procMissing())('that is killed over a later frame leaves the first; tiles and frames are missing', async () => {
    const frame = await sharp({ create: { width: 2000, height: 1500, channels: 3, background: '#777' } })
      .gif({ effort: 1 })
      .toBuffer()
    const file = await save('killing.gif', repeatGifFrame(frame, 400))
    const decoder = open({ limits: { ...LIMITS, cpuMs: 300 } })
    const { views, missing } = await decoder.decode(file, { tiles: true, frames: [4] })
    expect(namesOf(views)).toEqual(['full'])
    expect(missing).toEqual(['frame-200', ...GRID, 'frame-100', 'frame-300'])
  })
})

/** 600 × 450, with a mark of 20 × 20. */
function marked(left: number, top: number) {
  const mark = { create: { width: 20, height: 20, channels: 3 as const, background: MARK } }
  return sharp({ create: { width: 600, height: 450, channels: 3, background: BACK } }).composite([{ input: mark, left, top }])
}

/** Frame N is of grey level 20 N. */
async function animation(frames: number): Promise<Buffer> {
  const levels = Array.from({ length: frames }, (_, index) => Buffer.alloc(100 * 100 * 3, index * 20))
  const raw = { width: 100, height: 100 * frames, channels: 3 as const, pageHeight: 100 }
  return sharp(Buffer.concat(levels), { raw }).gif({ dither: 0 }).toBuffer()
}

function namesOf(views: View[]): string[] {
  return views.map(({ view }) => view)
}

/** Of the pixels of a view, those that are more of `colour` than not. */
function shareOf({ r, g }: typeof MARK, view: View | undefined): number {
  const pixels = view?.pixels ?? new Uint8Array()
  let count = 0
  for (let i = 0; i < pixels.length; i += 3)
    if (Math.abs((pixels[i] as number) - r) < 40 && Math.abs((pixels[i + 1] as number) - g) < 40) count++
  return count / (pixels.length / 3)
}
