import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CompiledRule } from '../../services/core/domain/compile-policy.ts'
import { heatMap, occlusionWindows } from '../../services/core/domain/occlusion.ts'
import { meanColour, occlude } from '../../services/worker/image/occlude.ts'

const MODEL = { id: 'm', revision: 'r', logitScale: 10 }
const BOX = { left: 0.1, top: 0, width: 0.8, height: 1 }
const RULE: CompiledRule = {
  id: 'animal',
  score: 'cosine',
  concepts: [{ phrase: 'a cat', prompt: 'a photo of a cat.', embedding: Float32Array.of(1, 0) }],
  contrasts: [],
  thresholds: { flag: 0.5 },
}

describe('the windows that are hidden', () => {
  test('cover a view of any size, within it, and overlap their neighbours by half', () => {
    const size = fc.integer({ min: 16, max: 600 })
    fc.assert(
      fc.property(size, size, (width, height) => {
        const windows = occlusionWindows({ width, height })
        expect(windows).toHaveLength(49)
        for (const { left, top, ...window } of windows) {
          expect(left >= 0 && top >= 0 && left + window.width <= width && top + window.height <= height).toBe(true)
        }
        expect(windows[0]).toMatchObject({ left: 0, top: 0 })
        const last = windows.at(-1)
        expect([(last?.left ?? 0) + (last?.width ?? 0), (last?.top ?? 0) + (last?.height ?? 0)]).toEqual([width, height])
      }),
    )
    const [first, second] = occlusionWindows({ width: 160, height: 80 })
    expect([first, second]).toEqual([
      { left: 0, top: 0, width: 40, height: 20 },
      { left: 20, top: 0, width: 40, height: 20 },
    ])
  })

  test('are filled with the mean colour, and nothing else is touched', () => {
    const width = 16
    const pixels = Uint8Array.from({ length: width * 16 * 3 }, (_, i) => (i * 7) % 256)
    const window = { left: 4, top: 2, width: 5, height: 3 }
    const before = pixels.slice()
    const hidden = occlude(pixels, width, window)
    expect(pixels).toEqual(before)
    for (let i = 0; i < width * 16; i++) {
      const [x, y] = [i % width, Math.floor(i / width)]
      const inside = x >= 4 && x < 9 && y >= 2 && y < 5
      expect([...hidden.subarray(3 * i, 3 * i + 3)]).toEqual(inside ? meanColour(pixels) : [...before.subarray(3 * i, 3 * i + 3)])
    }
  })
})

describe('the heat of a place', () => {
  const whole = Float32Array.of(1, 0)
  const blind = Float32Array.of(0, 1)

  test('is how much the evidence falls when it is hidden, and nothing elsewhere', () => {
    const windows = occlusionWindows({ width: 8, height: 8 })
    // What counts lies in the cell of column 1, row 6.
    const hidden = windows.map(({ left, top }) => (left <= 1 && left + 2 > 1 && top <= 6 && top + 2 > 6 ? blind : whole))
    const { columns, rows, values, box } = heatMap(RULE, { whole, hidden, box: BOX }, MODEL)
    expect([columns, rows, values.length, box]).toEqual([8, 8, 64, BOX])
    expect(values[6 * 8 + 1]).toBe(1)
    expect(Math.max(...values)).toBe(1)
    expect(values[0]).toBe(0)
    expect(values[7]).toBe(0)
  })

  test('is below nothing where hiding it helps the rule', () => {
    const hidden = occlusionWindows({ width: 8, height: 8 }).map(() => whole)
    hidden[0] = Float32Array.of(1.5, 0)
    expect(heatMap(RULE, { whole, hidden, box: BOX }, MODEL).values[0]).toBeLessThan(0)
  })
})
