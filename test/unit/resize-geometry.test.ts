import fc from 'fast-check'
import { expect, test } from 'vitest'
import { enlarges, resizeGeometry } from '../../services/worker/image/resize-geometry.ts'

const clip = { resize: { kind: 'shortest-edge', edge: 224 }, width: 224, height: 224 } as const
const siglip = { resize: { kind: 'squash' }, width: 384, height: 256 } as const

test.each([
  ['a landscape', 500, 333, [336, 224], [56, 0]],
  ['a portrait', 333, 500, [224, 336], [0, 56]],
  ['a long edge that comes to 335.7, and an offset of 55.5', 640, 427, [335, 224], [55, 0]],
  ['a strip', 1000, 10, [22400, 224], [11088, 0]],
  ['a single pixel', 1, 1, [224, 224], [0, 0]],
])('%s is resized and cropped as the reference does', (_what, width, height, resized, offset) => {
  const geometry = resizeGeometry({ width, height }, clip)
  expect([geometry.resized.width, geometry.resized.height]).toEqual(resized)
  expect([geometry.crop.left, geometry.crop.top]).toEqual(offset)
})

test('a model that squashes sees the whole picture, whatever its proportions', () => {
  const geometry = resizeGeometry({ width: 1000, height: 10 }, siglip)
  expect(geometry).toEqual({ resized: { width: 384, height: 256 }, crop: { left: 0, top: 0, width: 384, height: 256 } })
})

test('the crop always lies within the resized picture, in its middle', () => {
  const side = fc.integer({ min: 1, max: 100_000 })
  const edges = fc.integer({ min: 8, max: 512 }).chain((edge) => fc.tuple(fc.constant(edge), fc.integer({ min: 8, max: edge })))
  fc.assert(
    fc.property(side, side, edges, (width, height, [edge, crop]) => {
      const geometry = resizeGeometry({ width, height }, { resize: { kind: 'shortest-edge', edge }, width: crop, height: crop })
      const right = geometry.resized.width - geometry.crop.left - crop
      const below = geometry.resized.height - geometry.crop.top - crop
      expect(Math.min(geometry.resized.width, geometry.resized.height)).toBe(edge)
      expect(Math.min(geometry.crop.left, geometry.crop.top)).toBeGreaterThanOrEqual(0)
      expect([0, 1]).toContain(right - geometry.crop.left)
      expect([0, 1]).toContain(below - geometry.crop.top)
    }),
  )
})

test('a picture grows when either of its sides does', () => {
  const grows = (width: number, height: number, model: typeof clip | typeof siglip) =>
    enlarges({ width, height }, resizeGeometry({ width, height }, model))
  expect(grows(224, 224, clip)).toBe(false)
  expect(grows(223, 4000, clip)).toBe(true)
  expect(grows(384, 256, siglip)).toBe(false)
  expect(grows(5000, 255, siglip)).toBe(true)
})
