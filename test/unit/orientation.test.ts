import fc from 'fast-check'
import { expect, test } from 'vitest'
import { exifOrientation, storedRectangle, turnedSize, walkOf } from '../../services/worker/image/orientation.ts'
import { rgbRows } from '../../services/worker/image/rgb-rows.ts'

/** What a viewer shows of the stored picture `abc / def`, by EXIF's definition of each orientation. */
test.each([
  [1, ['abc', 'def']],
  [2, ['cba', 'fed']],
  [3, ['fed', 'cba']],
  [4, ['def', 'abc']],
  [5, ['ad', 'be', 'cf']],
  [6, ['da', 'eb', 'fc']],
  [7, ['fc', 'eb', 'da']],
  [8, ['cf', 'be', 'ad']],
  [undefined, ['abc', 'def']],
  [0, ['abc', 'def']],
  [9, ['abc', 'def']],
])('orientation %s is shown as it is meant', (tag, shown) => {
  expect(show('abcdef', { width: 3, height: 2 }, tag)).toEqual(shown)
})

test('a part of a turned picture is found where it is stored', () => {
  const part = fc.record({
    tag: fc.integer({ min: 1, max: 8 }),
    width: fc.integer({ min: 1, max: 7 }),
    height: fc.integer({ min: 1, max: 7 }),
    from: fc.tuple(fc.double({ min: 0, max: 0.99, noNaN: true }), fc.double({ min: 0, max: 0.99, noNaN: true })),
    to: fc.tuple(fc.double({ min: 0, max: 0.99, noNaN: true }), fc.double({ min: 0, max: 0.99, noNaN: true })),
  })
  fc.assert(
    fc.property(part, ({ tag, width, height, from, to }) => {
      const letters = Array.from({ length: width * height }, (_, i) => String.fromCharCode(48 + i)).join('')
      const orientation = exifOrientation(tag)
      const size = turnedSize({ width, height }, orientation)
      const left = Math.floor(from[0] * size.width)
      const top = Math.floor(from[1] * size.height)
      const rectangle = {
        left,
        top,
        width: 1 + Math.floor(to[0] * (size.width - left)),
        height: 1 + Math.floor(to[1] * (size.height - top)),
      }
      const stored = storedRectangle(rectangle, size, orientation)
      const cut = Array.from({ length: stored.height }, (_, y) => {
        const start = (stored.top + y) * width + stored.left
        return letters.slice(start, start + stored.width)
      }).join('')
      const expected = show(letters, { width, height }, tag)
        .slice(top, top + rectangle.height)
        .map((row) => row.slice(left, left + rectangle.width))
      expect(show(cut, stored, tag)).toEqual(expected)
    }),
  )
})

test('rows of a turned picture are read as they are shown', () => {
  const pixels = { width: 2, height: 2, layout: 'rgb', data: Uint8Array.from([1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]) } as const
  const rows = rgbRows(pixels, exifOrientation(6), { top: 10 })
  expect([...rows(10)]).toEqual([3, 3, 3, 1, 1, 1])
  expect([...rows(11)]).toEqual([4, 4, 4, 2, 2, 2])
})

function show(letters: string, stored: { width: number; height: number }, tag: number | undefined): string[] {
  const orientation = exifOrientation(tag)
  const { origin, columnStep, rowStep } = walkOf(stored, orientation)
  const { width, height } = turnedSize(stored, orientation)
  return Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => letters[origin + x * columnStep + y * rowStep]).join(''),
  )
}
