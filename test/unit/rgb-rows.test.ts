import fc from 'fast-check'
import { expect, test } from 'vitest'
import { exifOrientation } from '../../services/worker/image/orientation.ts'
import { isOpaque, type Pixels, rgbRows } from '../../services/worker/image/rgb-rows.ts'

const byte = fc.integer({ min: 0, max: 255 })
const pixel = (layout: Pixels['layout'], ...data: number[]): Pixels => ({
  data: Uint8Array.from(data),
  width: 1,
  height: 1,
  layout,
})
const read = (pixels: Pixels, background = 0) => [...rgbRows(pixels, exifOrientation(1), { background })(0)]

test('an opaque pixel keeps its colour and a transparent one shows what is behind it', () => {
  fc.assert(
    fc.property(byte, byte, byte, fc.constantFrom(0, 255), (red, green, blue, background) => {
      expect(read(pixel('rgba', red, green, blue, 255), background)).toEqual([red, green, blue])
      expect(read(pixel('rgba', red, green, blue, 0), background)).toEqual([background, background, background])
    }),
  )
})

test('a pixel that lets some light through lies between its colour and what is behind it, to half a level', () => {
  fc.assert(
    fc.property(byte, byte, fc.constantFrom(0, 255), (value, alpha, background) => {
      const [shown = Number.NaN] = read(pixel('rgba', value, 0, 0, alpha), background)
      expect(Math.abs(shown - (value * alpha + background * (255 - alpha)) / 255)).toBeLessThanOrEqual(0.51)
    }),
  )
})

test('inks without a profile: none is white, black ink is black, cyan takes red away', () => {
  expect(read(pixel('cmyk', 0, 0, 0, 0))).toEqual([255, 255, 255])
  expect(read(pixel('cmyk', 12, 34, 56, 255))).toEqual([0, 0, 0])
  expect(read(pixel('cmyk', 255, 0, 0, 0))).toEqual([0, 255, 255])
  expect(read(pixel('cmyk', 255, 0, 0, 128))).toEqual([0, 127, 127])
})

test('only what is transparent somewhere has anything behind it', () => {
  expect(isOpaque(pixel('rgb', 1, 2, 3))).toBe(true)
  expect(isOpaque(pixel('cmyk', 1, 2, 3, 4))).toBe(true)
  expect(isOpaque(pixel('rgba', 1, 2, 3, 255))).toBe(true)
  expect(isOpaque(pixel('rgba', 1, 2, 3, 254))).toBe(false)
})
