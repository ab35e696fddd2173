import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Rendition } from '../../services/core/infra/image-task-store.ts'
import { restrictSharp } from '../../services/worker/image/open-picture.ts'
import { renderImage } from '../../services/worker/image/render-image.ts'
import { repeatGifFrame } from '../support/odd-pictures.ts'
import { sample } from '../support/service.ts'

const RED = '#c8281e'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'pixwarden-render-'))
  restrictSharp({ avif: false })
})
afterAll(() => rm(folder, { recursive: true }))

async function render(bytes: Buffer, rendition: Rendition) {
  const file = path.join(folder, 'picture')
  await writeFile(file, bytes)
  const { mime, bytes: rendered } = await renderImage(file, rendition, { maxPixels: 50_000_000 })
  expect(mime).toBe('image/webp')
  return Buffer.from(rendered)
}

const solid = (width: number, height: number, background = RED) => sharp({ create: { width, height, channels: 3, background } })

/** Red, with green in the upper left and blue in the lower left quarter: it looks different in all eight orientations. */
const uneven = (width: number, height: number) => {
  const quarter = (background: string, top: number) => ({
    input: { create: { width: width / 2, height: height / 2, channels: 3 as const, background } },
    left: 0,
    top,
  })
  return solid(width, height).composite([quarter('#28c83c', 0), quarter('#143cdc', height / 2)])
}

async function pixelsOf(bytes: Buffer): Promise<Uint8Array> {
  return sharp(bytes).removeAlpha().toColourspace('srgb').raw().toBuffer()
}

async function meanDifference(a: Buffer, b: Buffer): Promise<number> {
  const [left, right] = [await pixelsOf(a), await pixelsOf(b)]
  expect(left.length).toBe(right.length)
  return left.reduce((sum, value, i) => sum + Math.abs(value - (right[i] as number)), 0) / left.length
}

describe.each(['display', 'blurred'] as const)('%s', (rendition) => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('a photo of EXIF orientation %i is upright', async (orientation) => {
    const stored = await uneven(260, 200).withMetadata({ orientation }).png().toBuffer()
    const upright = await sharp(stored, { autoOrient: true }).png().toBuffer()
    expect(await meanDifference(await render(stored, rendition), await render(upright, rendition))).toBeLessThan(2)
  })

  test('nothing is left of what a camera wrote, nor of a colour profile', async () => {
    const photo = await sharp(await sample('cat.jpg'))
      .withExif({ IFD0: { Make: 'SecretCamera' }, IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '52/1 31/1 719/100' } })
      .withIccProfile('p3')
      .withXmp(
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>',
      )
      .toBuffer()
    expect(await sharp(photo).metadata()).toMatchObject({
      exif: expect.anything(),
      icc: expect.anything(),
      xmp: expect.anything(),
    })
    const { exif, icc, xmp, iptc, orientation } = await sharp(await render(photo, rendition)).metadata()
    expect({ exif, icc, xmp, iptc, orientation }).toEqual({})
  })

  test('of an animation the first frame is shown', async () => {
    const gif = repeatGifFrame(await solid(60, 40).gif().toBuffer(), 5)
    const { pages = 1, width, height } = await sharp(await render(gif, rendition)).metadata()
    expect(pages).toBe(1)
    expect((width ?? 0) / (height ?? 1)).toBeCloseTo(1.5, 1)
  })

  test.each([
    ['CMYK', () => solid(300, 200).toColourspace('cmyk').jpeg().toBuffer(), 40],
    ['16 bits', () => solid(300, 200).toColourspace('rgb16').withIccProfile('p3').png().toBuffer(), 4],
    ['grey', () => solid(300, 200, '#5a5a5a').greyscale().png().toBuffer(), 4],
    ['a palette', () => solid(300, 200).png({ palette: true }).toBuffer(), 4],
  ])('%s comes in its colours', async (what, make, most) => {
    const colour = what === 'grey' ? '#5a5a5a' : RED
    const rendered = await render(await make(), rendition)
    const { width = 0, height = 0 } = await sharp(rendered).metadata()
    expect(await meanDifference(rendered, await solid(width, height, colour).png().toBuffer())).toBeLessThan(most)
  })

  test('a damaged picture is refused', async () => {
    await expect(render((await sample('rocket.jpg')).subarray(0, 40_000), rendition)).rejects.toThrow()
  })
})

describe('display', () => {
  test('is at most 1600 pixels long, and never enlarged', async () => {
    expect(await sharp(await render(await solid(4000, 1000).jpeg().toBuffer(), 'display')).metadata()).toMatchObject({
      width: 1600,
      height: 400,
    })
    expect(await sharp(await render(await solid(30, 50).png().toBuffer(), 'display')).metadata()).toMatchObject({
      width: 30,
      height: 50,
    })
  })

  test('of a picture of a single row is one too', async () => {
    const row = await solid(3000, 1).png().toBuffer()
    expect(await sharp(await render(row, 'display')).metadata()).toMatchObject({ width: 1600, height: 1 })
    expect(await sharp(await render(row, 'blurred')).metadata()).toMatchObject({ width: 256 })
  })

  test('keeps what is transparent', async () => {
    const glass = await sharp({ create: { width: 50, height: 50, channels: 4, background: { r: 200, g: 0, b: 0, alpha: 0.5 } } })
      .png()
      .toBuffer()
    expect(await sharp(await render(glass, 'display')).metadata()).toMatchObject({ hasAlpha: true })
  })

  test('looks like the photo', async () => {
    const photo = await sample('cat.jpg')
    expect(await meanDifference(await render(photo, 'display'), photo)).toBeLessThan(5)
  })
})

describe('blurred', () => {
  test.each(['cat.jpg', 'portrait.jpg', 'temple.jpg', 'hubble.jpg'])('%s takes a few kB', async (name) => {
    expect((await render(await sample(name), 'blurred')).length).toBeLessThan(4096)
  })

  test('has nothing finer than a tenth of the picture', async () => {
    const stripes = Buffer.alloc(400 * 400)
    for (let i = 0; i < stripes.length; i++) stripes[i] = (i % 400) % 40 < 20 ? 0 : 255
    const picture = await sharp(stripes, { raw: { width: 400, height: 400, channels: 1 } })
      .png()
      .toBuffer()
    const pixels = await pixelsOf(await render(picture, 'blurred'))
    const spread =
      pixels.reduce((most, value) => Math.max(most, value), 0) - pixels.reduce((least, value) => Math.min(least, value), 255)
    expect(spread).toBeLessThan(60)
  })

  test('still tells that something is there, and where it is dark or light', async () => {
    const half = await solid(400, 200, '#ffffff')
      .composite([{ input: { create: { width: 200, height: 200, channels: 3, background: '#000000' } }, left: 0, top: 0 }])
      .png()
      .toBuffer()
    const { data, info } = await sharp(await render(half, 'blurred'))
      .raw()
      .toBuffer({ resolveWithObject: true })
    const at = (x: number) => data[(Math.floor(info.height / 2) * info.width + x) * info.channels] as number
    expect(at(10)).toBeLessThan(40)
    expect(at(info.width - 10)).toBeGreaterThan(215)
  })
})
