import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pillowResize } from '../../services/worker/image/pillow-resize.ts'
import { type Axis, axisWeights } from '../../services/worker/image/resample-weights.ts'

const KERNELS = ['nearest', 'bilinear', 'bicubic', 'lanczos'] as const
type Kernel = (typeof KERNELS)[number]
type Picture = { width: number; height: number; data: Uint8Array }

/** The first 16 digits of the SHA-256 of what Pillow 11.1 makes of `patterned(width, height)`. */
test.each<[Kernel, number, number, number, number, string]>([
  ['bicubic', 23, 17, 9, 9, '734e10ab3cb05509'],
  ['bicubic', 9, 7, 20, 31, '8c35947925fa1c77'],
  ['bicubic', 64, 3, 8, 8, '4e908b7abb293ad1'],
  ['bicubic', 5, 40, 16, 40, '2e0cc1cc5bd9b2b4'],
  ['bilinear', 23, 17, 9, 9, '6572dc777231a4eb'],
  ['bilinear', 9, 7, 20, 31, 'abe637f2f16b7bd5'],
  ['bilinear', 64, 3, 8, 8, 'ba8c70ccb0bbcb89'],
  ['bilinear', 5, 40, 16, 40, '315959530ac53c9a'],
  ['lanczos', 23, 17, 9, 9, '0f92886a64e852bd'],
  ['lanczos', 9, 7, 20, 31, '8cb88475f680edac'],
  ['lanczos', 64, 3, 8, 8, '69137168db12b5da'],
  ['lanczos', 5, 40, 16, 40, '593a2b7d22e94fd8'],
  ['nearest', 23, 17, 9, 9, '7d5237617caafcf2'],
  ['nearest', 9, 7, 20, 31, '4b721d43c1719a4c'],
  ['nearest', 64, 3, 8, 8, '26850d5ed1c1ecbd'],
  ['nearest', 5, 40, 16, 40, 'f61c8484d3a62b15'],
])('%s from %i x %i to %i x %i is what Pillow makes of it', (kernel, width, height, toWidth, toHeight, digest) => {
  const resized = resize(patterned(width, height), whole(width, toWidth), whole(height, toHeight), kernel)
  expect(createHash('sha256').update(resized).digest('hex').slice(0, 16)).toBe(digest)
})

test('a window of the result is the same as the whole result, cut', () => {
  fc.assert(
    fc.property(fc.constantFrom(...KERNELS), span(), span(), (kernel, x, y) => {
      const picture = patterned(x.from, y.from)
      const all = resize(picture, whole(x.from, x.to), whole(y.from, y.to), kernel)
      const cut = Array.from({ length: y.count }, (_, row) => {
        const start = ((y.offset + row) * x.to + x.offset) * 3
        return [...all.subarray(start, start + x.count * 3)]
      }).flat()
      expect([...resize(picture, x, y, kernel)]).toEqual(cut)
    }),
    { numRuns: 60 },
  )
})

test('one colour stays that colour, and a picture of the right size stays as it is', () => {
  fc.assert(
    fc.property(fc.constantFrom(...KERNELS), span(), span(), fc.integer({ min: 0, max: 255 }), (kernel, x, y, value) => {
      const flat = { width: x.from, height: y.from, data: new Uint8Array(x.from * y.from * 3).fill(value) }
      expect(new Set(resize(flat, x, y, kernel))).toEqual(new Set([value]))
      const picture = patterned(x.from, y.from)
      expect(resize(picture, whole(x.from, x.from), whole(y.from, y.from), kernel)).toEqual(picture.data)
    }),
    { numRuns: 60 },
  )
})

test('only the rows that matter are read of a picture of a million rows', () => {
  const x = axisWeights({ from: 10, to: 224, offset: 0, count: 224 }, 'bicubic')
  const y = axisWeights({ from: 1_000_000, to: 22_400_000, offset: 11_199_888, count: 224 }, 'bicubic')
  const read: number[] = []
  const row = new Uint8Array(30)
  pillowResize(
    (number) => {
      read.push(number)
      return row
    },
    x,
    y,
  )
  expect(read.length).toBeLessThan(20)
  expect(read[0]).toBe(y.first)
  expect(read.at(-1)).toBe(y.end - 1)
})

const whole = (from: number, to: number): Axis => ({ from, to, offset: 0, count: to })

function span(): fc.Arbitrary<Axis> {
  const side = fc.integer({ min: 1, max: 40 })
  return fc
    .tuple(side, side)
    .chain(([from, to]) =>
      fc.record({ from: fc.constant(from), to: fc.constant(to), offset: fc.integer({ min: 0, max: to - 1 }) }),
    )
    .chain((axis) => fc.integer({ min: 1, max: axis.to - axis.offset }).map((count) => ({ ...axis, count })))
}

function resize({ width, data }: Picture, xAxis: Axis, yAxis: Axis, kernel: Kernel): Uint8Array {
  const x = axisWeights(xAxis, kernel)
  const y = axisWeights(yAxis, kernel)
  return pillowResize((row) => data.subarray((row * width + x.first) * 3, (row * width + x.end) * 3), x, y)
}

function patterned(width: number, height: number): Picture {
  const data = new Uint8Array(width * height * 3)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) data[(y * width + x) * 3 + c] = (x * 29 + y * 53 + c * 101 + ((x * y) % 7) * 17) % 256
  return { width, height, data }
}
