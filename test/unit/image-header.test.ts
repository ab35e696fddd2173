import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import fc from 'fast-check'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { createImageHeader } from '../../services/api/intake/image-header.ts'
import { hasCode } from '../../services/core/domain/errors.ts'
import { packageRoot } from '../../services/core/infra/package-root.ts'

const LIMITS = { maxPixels: 50_000_000, avif: false }

describe('an image’s header tells its type and size', async () => {
  const folders = ['policies/samples', 'test/fixtures/parity/images'].map((folder) => path.join(packageRoot, folder))
  const files = (await Promise.all(folders.map(picturesIn))).flat()

  test.each(files)('of %s', async (file) => {
    const bytes = await readFile(file)
    const { width, height, format } = await sharp(bytes).metadata()
    expect(await read(bytes)).toEqual({ mime: `image/${format}`, width, height })
  })

  test('of AVIF only where it is accepted', async () => {
    const bytes = await picture(300, 200).avif({ effort: 0 }).toBuffer()
    expect(await read(bytes, { ...LIMITS, avif: true })).toEqual({ mime: 'image/avif', width: 300, height: 200 })
    await expect(read(bytes)).rejects.toMatchObject({ code: 'unsupported-media-type' })
  })

  test.each(['lossy', 'lossless', 'alpha'])('of WebP, %s', async (kind) => {
    const image = kind === 'alpha' ? picture(301, 201).ensureAlpha(0.5) : picture(301, 201)
    const bytes = await image.webp({ lossless: kind === 'lossless' }).toBuffer()
    expect(await read(bytes)).toEqual({ mime: 'image/webp', width: 301, height: 201 })
  })

  test('of a progressive JPEG', async () => {
    const bytes = await picture(123, 45).jpeg({ progressive: true }).toBuffer()
    expect(await read(bytes)).toEqual({ mime: 'image/jpeg', width: 123, height: 45 })
  })

  test('of a JPEG with megabytes of metadata before its frame', async () => {
    const jpeg = await picture(640, 480).jpeg().toBuffer()
    // A thumbnail in the metadata has a frame header too, which is not the image's.
    const thumbnail = await picture(16, 16).jpeg().toBuffer()
    const segment = Buffer.concat([Buffer.from([0xff, 0xe1, 0xff, 0xff]), thumbnail, Buffer.alloc(65_533 - thumbnail.length)])
    const bytes = Buffer.concat([jpeg.subarray(0, 2), ...Array<Buffer>(40).fill(segment), jpeg.subarray(2)])
    expect(await read(bytes)).toEqual({ mime: 'image/jpeg', width: 640, height: 480 })
  })

  test('however the bytes are cut into chunks', async () => {
    const bytes = await readFile(path.join(packageRoot, 'policies/samples/cat.jpg'))
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 500 }), async (chunkSize) => {
        expect(await read(bytes.subarray(0, 20_000), LIMITS, chunkSize)).toMatchObject({ width: 451, height: 300 })
      }),
      { numRuns: 20 },
    )
  })
})

describe('too many pixels are refused', () => {
  test.each(tooManyPixels())('in $mime', async ({ bytes }) => {
    await expect(read(bytes)).rejects.toMatchObject({ code: 'too-many-pixels', details: { width: 8000, height: 6400 } })
    expect(await read(bytes, { ...LIMITS, maxPixels: 8000 * 6400 })).toMatchObject({ width: 8000, height: 6400 })
  })

  test('before the rest has come', async () => {
    const header = createImageHeader(LIMITS)
    const png = Buffer.concat([tooManyPixels()[0]?.bytes ?? Buffer.alloc(0), Buffer.alloc(20_000)])
    await expect(header.push(png)).rejects.toMatchObject({ code: 'too-many-pixels' })
  })
})

test('a size that is missing is no reason to refuse an image', async () => {
  const jpeg = await readFile(path.join(packageRoot, 'policies/samples/cat.jpg'))
  const png = await picture(20, 20).png().toBuffer()
  expect(await read(jpeg.subarray(0, 20))).toEqual({ mime: 'image/jpeg' })
  expect(await read(png.subarray(0, 18))).toEqual({ mime: 'image/png' })
  expect(await read(Buffer.from('GIF89a'))).toEqual({ mime: 'image/gif' })
})

test.each([
  ['text', Buffer.from('Lorem ipsum dolor sit amet')],
  ['SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>')],
  ['PDF', Buffer.from('%PDF-1.7\n%âãÏÓ\n1 0 obj\n')],
  ['TIFF', Buffer.from([0x49, 0x49, 0x2a, 0, 8, 0, 0, 0])],
  ['zeros', Buffer.alloc(30_000)],
])('%s is no image', async (_what, bytes) => {
  await expect(read(bytes)).rejects.toMatchObject({ code: 'unsupported-media-type' })
})

test('whatever the bytes, the answer is a type or a refusal, and it comes at once', async () => {
  const starts = [
    [0xff, 0xd8, 0xff],
    [...Buffer.from('GIF89a')],
    [0x89, ...Buffer.from('PNG\r\n\x1a\n')],
    [...Buffer.from('RIFF1234WEBPVP8X')],
  ]
  const avif = [0, 0, 0, 20, ...Buffer.from('ftypavif0000avif')]
  const bytes = fc
    .tuple(fc.constantFrom([], avif, ...starts), fc.uint8Array({ maxLength: 400 }), fc.integer({ min: 1, max: 200 }))
    .map(([start, tail, times]) => Buffer.concat([Buffer.from(start), ...Array<Uint8Array>(times).fill(tail)]))
  await fc.assert(
    fc.asyncProperty(bytes, async (input) => {
      const startedAt = performance.now()
      const found = await read(input, { ...LIMITS, avif: true }).catch((error: unknown) => error)
      if (found instanceof Error) expect(hasCode(found, 'unsupported-media-type', 'too-many-pixels')).toBe(true)
      else expect(found).toHaveProperty('mime')
      expect(performance.now() - startedAt).toBeLessThan(1000)
    }),
    { numRuns: 300 },
  )
})

async function read(bytes: Uint8Array, limits = LIMITS, chunkSize = 7000) {
  const header = createImageHeader(limits)
  for (let at = 0; at < bytes.length; at += chunkSize) await header.push(bytes.subarray(at, at + chunkSize))
  return header.end()
}

function picture(width: number, height: number) {
  return sharp({ create: { width, height, channels: 3, background: '#a33' } })
}

async function picturesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder)
  return names.filter((name) => /\.(jpe?g|png|gif|webp)$/.test(name)).map((name) => path.join(folder, name))
}

/** The first bytes of images of 8000 × 6400 pixels: 51 megapixels. */
function tooManyPixels(): { mime: string; bytes: Buffer }[] {
  const png = Buffer.from('89504e470d0a1a0a0000000d49484452' + '00001f40' + '00001900' + '0802000000', 'hex')
  const gif = Buffer.from(`${Buffer.from('GIF89a').toString('hex')}401f00190000003b`, 'hex')
  const jpeg = Buffer.from('ffd8ffe000104a46494600010100000100010000ffc0001108' + '1900' + '1f40' + '03012200021101031101', 'hex')
  const webp = Buffer.from(`${Buffer.from('RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0').toString('hex')}000000003f1f00ff1800`, 'hex')
  return [
    { mime: 'PNG', bytes: png },
    { mime: 'GIF', bytes: gif },
    { mime: 'JPEG', bytes: jpeg },
    { mime: 'WebP', bytes: webp },
  ]
}
