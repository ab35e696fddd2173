import type { Preprocessing } from './preprocessing.ts'

/** Numbers as they are, or halves by their bits. */
export type PixelNumbers = Float32Array | Uint16Array

/** For each channel, R G B, what each of the 256 values of a byte becomes. */
export type NormalisationTables<Numbers = Float32Array> = readonly [Numbers, Numbers, Numbers]

/**
 * The float32 arithmetic of the reference, `((u8 · rescale) − mean) / std`, rounded after each step as NumPy does,
 * so that a tensor is equal to the reference's to the last bit.
 */
export function normalisationTables({
  rescaleFactor,
  mean,
  std,
}: Pick<Preprocessing, 'rescaleFactor' | 'mean' | 'std'>): NormalisationTables {
  const { fround } = Math
  const table = (channel: 0 | 1 | 2) =>
    Float32Array.from({ length: 256 }, (_, u8) =>
      fround(fround(fround(u8 * rescaleFactor) - fround(mean[channel])) / fround(std[channel])),
    )
  return [table(0), table(1), table(2)]
}

/** Writes pixels, RGB row by row, shape [height, width, 3], into `out` as three planes, shape [3, height, width]. */
export function fillPlanes(pixels: Uint8Array, [red, green, blue]: NormalisationTables<PixelNumbers>, out: PixelNumbers): void {
  const area = pixels.length / 3
  for (let i = 0, p = 0; i < area; i++, p += 3) {
    out[i] = red[pixels[p] as number] as number
    out[i + area] = green[pixels[p + 1] as number] as number
    out[i + 2 * area] = blue[pixels[p + 2] as number] as number
  }
}
