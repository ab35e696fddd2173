/** Scales `v` to length 1, in a new array. A zero vector stays zero. */
export function normalise(v: Float32Array): Float32Array {
  const length = Math.hypot(...v)
  return length === 0 ? Float32Array.from(v) : v.map((x) => x / length)
}

/** Inner product of two vectors of the same length: their cosine when both are unit vectors. */
export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number)
  return sum
}

/** A bit for each number, as text: 1 where it is below 0. Of two unit vectors with the angle a between them about a/π of the bits differ. */
export function signBits(v: Float32Array): string {
  let bits = ''
  for (const x of v) bits += x < 0 ? '1' : '0'
  return bits
}

/** The normalised mean of unit vectors of one length, as CLIP ensembles prompts (CLIP, section 3.1.4). Throws RangeError for none. */
export function meanDirection(vectors: Float32Array[]): Float32Array {
  const [first] = vectors
  if (!first) throw new RangeError('meanDirection: no vectors')
  const sum = new Float32Array(first.length)
  for (const v of vectors) for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (v[i] as number)
  return normalise(sum)
}
