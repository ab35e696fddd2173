import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Preprocessing, View } from '../../services/worker/clip/preprocessing.ts'
import { type DecodedImage, decodeImage } from '../../services/worker/image/decode-image.ts'
import { restrictSharp } from '../../services/worker/image/open-picture.ts'
import { claimFrames } from '../support/odd-pictures.ts'

const preprocessing: Preprocessing = {
  resize: { kind: 'shortest-edge', edge: 64 },
  width: 64,
  height: 64,
  resample: 'bicubic',
  rescaleFactor: 1 / 255,
  mean: [0.5, 0.5, 0.5],
  std: [0.5, 0.5, 0.5],
}
const RED = { r: 200, g: 40, b: 30 }
const GREEN = { r: 40, g: 200, b: 60 }
const BLUE = { r: 20, g: 60, b: 220 }

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'pixwarden-decode-'))
  restrictSharp({ avif: false })
})
afterAll(() => rm(folder, { recursive: true }))

describe.each(['fast', 'exact'] as const)('resized %s', (mode) => {
  async function decode(bytes: Buffer, model = preprocessing): Promise<DecodedImage> {
    const file = path.join(folder, `${mode}-picture`)
    await writeFile(file, bytes)
    return decodeImage(file, { preprocessing: model, mode, maxPixels: 50_000_000 })
  }

  test('a picture is one view of RGB pixels, and its type and size are told', async () => {
    const { views, ...image } = await decode(await plain(300, 200, RED).jpeg({ quality: 95 }).toBuffer())
    expect(image).toEqual({ width: 300, height: 200, mime: 'image/jpeg', frames: 1, missing: [] })
    expect(namesOf(views)).toEqual(['full'])
    expect(views[0]?.pixels.length).toBe(64 * 64 * 3)
    expectColour(views[0], RED, 2)
  })

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('a photo of EXIF orientation %i is seen upright', async (orientation) => {
    const stored = await uneven().withMetadata({ orientation }).png().toBuffer()
    const upright = await decode(await sharp(stored, { autoOrient: true }).png().toBuffer())
    const { views, width, height } = await decode(stored)
    expect({ width, height }).toEqual({ width: upright.width, height: upright.height })
    expect(width).toBe(orientation < 5 ? 260 : 200)
    expect(meanDifference(views[0], upright.views[0])).toBeLessThan(mode === 'exact' ? 1e-9 : 0.5)
  })

  test('a transparent picture is seen on black and on white', async () => {
    const { views } = await decode(await plain(100, 100, RED).ensureAlpha(0.5).png().toBuffer())
    expect(namesOf(views)).toEqual(['on-black', 'on-white'])
    expectColour(views[0], { r: 100, g: 20, b: 15 }, 2)
    expectColour(views[1], { r: 227, g: 147, b: 142 }, 2)
  })

  test('a picture with an alpha channel that hides nothing is one view', async () => {
    const { views } = await decode(await plain(100, 100, RED).ensureAlpha(1).png().toBuffer())
    expect(namesOf(views)).toEqual(['full'])
    expectColour(views[0], RED, 0)
  })

  test('grey, with and without transparency, and palettes come as RGB', async () => {
    const grey = plain(100, 100, { r: 90, g: 90, b: 90 }).greyscale()
    expectColour((await decode(await grey.clone().png().toBuffer())).views[0], { r: 90, g: 90, b: 90 }, 1)
    const { views } = await decode(await grey.clone().ensureAlpha(0.5).toColourspace('b-w').png().toBuffer())
    expectColour(views[1], { r: 173, g: 173, b: 173 }, 2)
    expectColour((await decode(await plain(100, 100, RED).png({ palette: true }).toBuffer())).views[0], RED, 3)
  })

  test.each(['srgb', 'p3'])('16 bits a channel with an %s profile look like 8 bits without one', async (profile) => {
    const sixteen = await plain(100, 100, RED).toColourspace('rgb16').withIccProfile(profile).png().toBuffer()
    expect((await sharp(sixteen).metadata()).depth).toBe('ushort')
    expectColour((await decode(sixteen)).views[0], RED, 3)
  })

  test('colours in a wider space are converted to those that are meant', async () => {
    const wide = await plain(100, 100, RED).withIccProfile('p3').png().toBuffer()
    const stored = await sharp(wide, { ignoreIcc: true }).raw().toBuffer()
    expect(Math.abs((stored[0] as number) - RED.r)).toBeGreaterThan(5)
    expectColour((await decode(wide)).views[0], RED, 3)
  })

  test('inks are converted by their profile where there is one', async () => {
    const profiled = await plain(100, 100, RED).toColourspace('cmyk').withIccProfile('cmyk').jpeg({ quality: 95 }).toBuffer()
    expect(await sharp(profiled).metadata()).toMatchObject({ space: 'cmyk', hasProfile: true })
    expectColour((await decode(profiled)).views[0], RED, 30)
  })

  test('a picture that is smaller than the view is enlarged', async () => {
    const { views } = await decode(await plain(3, 2, RED).png().toBuffer())
    expectColour(views[0], RED, 0)
  })

  test.each([
    [1000, 10],
    [10, 1000],
    [40_000, 70],
    [70, 60_000],
  ])('a strip of %i x %i is seen in its middle', async (width, height) => {
    const middle = await plain(Math.min(width, 70), Math.min(height, 70), BLUE).png().toBuffer()
    const strip = await plain(width, height, RED)
      .composite([{ input: middle, gravity: 'centre' }])
      .png()
      .toBuffer()
    const { views, ...image } = await decode(strip)
    expect(image).toMatchObject({ width, height })
    expect([...(views[0]?.pixels.subarray(64 * 32 * 3 + 32 * 3, 64 * 32 * 3 + 33 * 3) ?? [])]).toEqual([20, 60, 220])
  })

  test('a model that squashes sees both ends of a strip', async () => {
    const left = await plain(300, 80, BLUE).png().toBuffer()
    const strip = await plain(600, 80, RED)
      .composite([{ input: left, gravity: 'west' }])
      .png()
      .toBuffer()
    const { views } = await decode(strip, { ...preprocessing, resize: { kind: 'squash' } })
    expect([...(views[0]?.pixels.subarray(0, 3) ?? [])]).toEqual([20, 60, 220])
    expect([...(views[0]?.pixels.subarray(63 * 3, 64 * 3) ?? [])]).toEqual([200, 40, 30])
  })

  test.each(['gif', 'webp'] as const)('of an animated %s the first and the middle frame are seen', async (format) => {
    const frames = [RED, GREEN, BLUE, GREEN].map((colour) => plain(80, 70, colour).raw().toBuffer())
    const animation = sharp(Buffer.concat(await Promise.all(frames)), {
      raw: { width: 80, height: 280, channels: 3, pageHeight: 70 },
    })
    const { views, ...image } = await decode(await animation.toFormat(format).toBuffer())
    expect(image).toEqual({ width: 80, height: 70, mime: `image/${format}`, frames: 4, missing: [] })
    expect(namesOf(views)).toEqual(['full', 'frame-2'])
    expectColour(views[0], RED, 8)
    expectColour(views[1], BLUE, 8)
  })

  test('a later frame that is damaged is missing, and the first is judged', async () => {
    const frames = [RED, BLUE].map((colour) => plain(80, 70, colour).raw().toBuffer())
    const animation = await sharp(Buffer.concat(await Promise.all(frames)), {
      raw: { width: 80, height: 140, channels: 3, pageHeight: 70 },
    })
      .webp()
      .toBuffer()
    animation.subarray(animation.lastIndexOf('VP8 ') + 18, -2).fill(0xff)
    const { views, missing } = await decode(animation)
    expect(namesOf(views)).toEqual(['full'])
    expect(missing).toEqual(['frame-1'])
  })

  test('an animated PNG is taken for a still one', async () => {
    const { views } = await decode(claimFrames(await plain(80, 80, RED).png().toBuffer(), 3))
    expect(namesOf(views)).toEqual(['full'])
  })
})

function plain(width: number, height: number, background: { r: number; g: number; b: number }) {
  return sharp({ create: { width, height, channels: 3, background } })
}

/** Unlike itself however it is turned. */
function uneven() {
  return plain(260, 200, RED).composite([
    { input: { create: { width: 90, height: 60, channels: 3, background: BLUE } }, left: 40, top: 10 },
    { input: { create: { width: 30, height: 120, channels: 3, background: GREEN } }, left: 180, top: 70 },
  ])
}

function namesOf(views: View[]): string[] {
  return views.map(({ view }) => view)
}

function expectColour(view: View | undefined, { r, g, b }: { r: number; g: number; b: number }, tolerance: number): void {
  const pixels = view?.pixels ?? new Uint8Array()
  const worst = [r, g, b].map((value, channel) =>
    pixels.reduce((most, found, i) => (i % 3 === channel ? Math.max(most, Math.abs(found - value)) : most), 0),
  )
  expect(pixels.length).toBe(64 * 64 * 3)
  expect(Math.max(...worst), `differs by ${worst}`).toBeLessThanOrEqual(tolerance)
}

function meanDifference(a: View | undefined, b: View | undefined): number {
  const others = b?.pixels ?? new Uint8Array()
  return (
    (a?.pixels ?? new Uint8Array()).reduce((sum, value, i) => sum + Math.abs(value - (others[i] as number)), 0) / others.length
  )
}
