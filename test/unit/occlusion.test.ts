import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CompiledRule } from '../../services/core/domain/compile-policy.ts'
import { heatMap, occlusionWindows } from '../../services/core/domain/occlusion.ts'
import { blankOf, inset } from '../../services/worker/image/occlude.ts'

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
  test('cover a view of any size, within it, and overlap their neighbours', () => {
    const size = fc.integer({ min: 16, max: 600 })
    fc.assert(
      fc.property(size, size, (width, height) => {
        const windows = occlusionWindows({ width, height })
        expect(windows).toHaveLength(36)
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
      { left: 0, top: 0, width: 60, height: 30 },
      { left: 20, top: 0, width: 60, height: 30 },
    ])
  })

  test('are filled with the mean colour, and nothing else is touched', () => {
    const width = 16
    const pixels = Uint8Array.from({ length: width * 16 * 3 }, (_, i) => (i % 3 === 0 ? 10 : (i * 7) % 256))
    const before = pixels.slice()
    const blank = blankOf(pixels)
    expect(new Set(blank.filter((_, i) => i % 3 === 0))).toEqual(new Set([10]))
    const hidden = inset(pixels, blank, width, { left: 4, top: 2, width: 5, height: 3 })
    expect(pixels).toEqual(before)
    for (let i = 0; i < width * 16; i++) {
      const [x, y] = [i % width, Math.floor(i / width)]
      const inside = x >= 4 && x < 9 && y >= 2 && y < 5
      expect(hidden.subarray(3 * i, 3 * i + 3)).toEqual((inside ? blank : before).subarray(3 * i, 3 * i + 3))
    }
  })
})

describe('the heat of a place', () => {
  const [cat, nothing] = [Float32Array.of(1, 0), Float32Array.of(0, 1)]
  const windows = occlusionWindows({ width: 8, height: 8 })
  /** What counts lies in the cell of column 1, row 6. */
  const seen = windows.map(({ left, top }) => left <= 1 && left + 3 > 1 && top <= 6 && top + 3 > 6)
  const occluded = {
    whole: cat,
    blank: nothing,
    hidden: seen.map((is) => (is ? nothing : cat)),
    alone: seen.map((is) => (is ? cat : nothing)),
  }

  test('is how much the evidence falls when it is hidden and rises when it alone is shown, and nothing elsewhere', () => {
    const { columns, rows, values, box } = heatMap(RULE, occluded, BOX, MODEL)
    expect([columns, rows, values.length, box]).toEqual([8, 8, 64, BOX])
    expect(values[6 * 8 + 1]).toBe(1)
    expect(Math.max(...values)).toBe(1)
    expect([values[0], values[7]]).toEqual([0, 0])
  })

  test('is below nothing where a place speaks against the rule', () => {
    const against = { ...occluded, hidden: windows.map(() => Float32Array.of(1.5, 0)), alone: windows.map(() => nothing) }
    expect(Math.max(...heatMap(RULE, against, BOX, MODEL).values)).toBeLessThan(0)
  })
})
