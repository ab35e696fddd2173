/** Whole round numbers from 0 up to at least `max`, in at most `most` steps: what is counted has no fractions. */
export function countTicks(max: number, most = 4): number[] {
  const raw = Math.max(1, max) / most
  const power = 10 ** Math.floor(Math.log10(raw))
  const step = Math.max(1, [1, 2, 5, 10].map((times) => times * power).find((each) => each >= raw) ?? 1)
  return Array.from({ length: Math.ceil(Math.max(1, max) / step) + 1 }, (_, index) => index * step)
}

/** 0, 1, 10, 100 … as far as `max`, and `max` itself where there is room for it. */
export function powerTicks(max: number): number[] {
  const powers = Array.from({ length: Math.floor(Math.log10(Math.max(1, max))) + 1 }, (_, power) => 10 ** power)
  return [0, ...powers, ...(max >= 2 * (powers.at(-1) ?? 1) ? [max] : [])]
}

/** Where a count stands between nothing (0) and `max` (1) when each power of ten takes the same room, so that one beside a thousand is seen. */
export function powerShare(count: number, max: number): number {
  return Math.log1p(count) / Math.log1p(Math.max(1, max))
}

/** Whole pixels, so that edges are sharp: the place of bar `index` among `count` in `width`, with a gap when there is room for one. */
export function barPlace(index: number, count: number, width: number): { x: number; width: number } {
  const from = Math.round((index * width) / count)
  const to = Math.round(((index + 1) * width) / count)
  const gap = width / count >= 4 ? 1 : 0
  return { x: from, width: Math.max(1, to - from - gap) }
}
