import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { tileGeometry } from '../../services/worker/image/tile-geometry.ts'

const view = { width: 224, height: 224 }

function gridOf(width: number, height: number) {
  const last = tileGeometry({ width, height }, view)?.tiles.at(-1)?.view
  return last?.replace('tile-', '')
}

describe('the tiles of a picture', () => {
  test.each([
    [4000, 3000, '2-3'],
    [3000, 4000, '3-2'],
    [3000, 2000, '2-3'],
    [1920, 1080, '2-4'],
    [2000, 2000, '3-3'],
    [450, 450, '2-2'],
    [3000, 1000, '2-4'],
    [5000, 1000, '1-6'],
    [20_000, 1000, '1-9'],
  ])('of %i x %i go up to tile-%s', (width, height, last) => {
    expect(gridOf(width, height)).toBe(last)
  })

  test.each([
    [447, 3000],
    [3000, 447],
    [300, 200],
  ])('are none where it has little more than the whole view shows: %i x %i', (width, height) => {
    expect(tileGeometry({ width, height }, view)).toBeUndefined()
  })

  test('cover all of it, overlap, are no larger than it, and as large as a view', () => {
    const length = fc.integer({ min: 448, max: 30_000 })
    fc.assert(
      fc.property(length, length, (width, height) => {
        const { resized, tiles } = tileGeometry({ width, height }, view) ?? { resized: { width: 0, height: 0 }, tiles: [] }
        expect(tiles.length).toBeGreaterThanOrEqual(2)
        expect(tiles.length).toBeLessThanOrEqual(9)
        expect(resized.width).toBeLessThanOrEqual(width)
        expect(resized.height).toBeLessThanOrEqual(height)
        for (const tile of tiles) expect(tile).toMatchObject(view)
        expectCovered([...new Set(tiles.map(({ left }) => left))], resized.width)
        expectCovered([...new Set(tiles.map(({ top }) => top))], resized.height)
      }),
    )
  })

  test('keep its proportions, but for long strips', () => {
    const length = fc.integer({ min: 1000, max: 7000 })
    fc.assert(
      fc.property(length, length, (width, height) => {
        const { resized } = tileGeometry({ width, height }, view) ?? { resized: { width: 0, height: 0 } }
        const stretch = resized.width / width / (resized.height / height)
        expect(Math.abs(stretch - 1)).toBeLessThan(0.01)
      }),
    )
  })
})

/** From end to end, each beginning well before the one before ends. */
function expectCovered(starts: number[], length: number): void {
  expect(starts[0]).toBe(0)
  expect((starts.at(-1) as number) + 224).toBe(length)
  for (const [index, start] of starts.entries())
    if (index > 0) expect(start - (starts[index - 1] as number)).toBeLessThanOrEqual(181)
}
