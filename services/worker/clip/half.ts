/** Numbers of half precision (binary16 of IEEE 754) by their bits: JavaScript has an array of them only from Node 24 on. */

const INFINITE = 0x7c00
const NOT_A_NUMBER = 0x7e00
/** From here on the nearest is infinite. */
const TOO_LARGE = 65_520
const LEAST_EXPONENT = -14

/** The bits of the nearest half; of two as near the even one. */
export function toHalf(value: number): number {
  if (Number.isNaN(value)) return NOT_A_NUMBER
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0
  const size = Math.abs(value)
  if (size >= TOO_LARGE) return sign | INFINITE
  const exponent = Math.max(LEAST_EXPONENT, 31 - Math.clz32(size * 2 ** -LEAST_EXPONENT) + LEAST_EXPONENT)
  // A carry out of the fraction counts the exponent up, as it should.
  return sign | (((exponent - LEAST_EXPONENT) << 10) + roundToEven(size * 2 ** (10 - exponent)))
}

export function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits & INFINITE) >> 10
  const fraction = bits & 0x3ff
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  if (exponent === 0) return sign * fraction * 2 ** (LEAST_EXPONENT - 10)
  return sign * (1024 + fraction) * 2 ** (exponent - 25)
}

function roundToEven(value: number): number {
  const below = Math.floor(value)
  const rest = value - below
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below
}
