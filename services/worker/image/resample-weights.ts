import type { Preprocessing } from '../clip/preprocessing.ts'

/** A weight is an integer with this many fractional bits: 32 less 8 for the value and 2 for sums beyond it. */
export const WEIGHT_BITS = 22

/** How each pixel of a stretch of one axis is made of source pixels. */
export type AxisWeights = {
  /** The source pixels that are used at all: from `first` up to, not including, `end`. */
  first: number
  end: number
  /** Output pixel i is the sum over k < counts[i] of source pixel starts[i] + k times weights[i · stride + k]. */
  starts: Int32Array
  counts: Int32Array
  weights: Int32Array
  stride: number
}

export type Axis = {
  /** Size of the whole source and of the whole resized picture along the axis. */
  from: number
  to: number
  /** The stretch of the resized picture that is wanted. */
  offset: number
  count: number
}

type Filter = { support: number; weigh: (x: number) => number }

const FILTERS: Record<Exclude<Preprocessing['resample'], 'nearest'>, Filter> = {
  bilinear: { support: 1, weigh: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, weigh: cubic },
  lanczos: { support: 3, weigh: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) },
}

/** Weights of Pillow's 8-bit resize, bit for bit. Its filters grow with the shrinking, so that every source pixel counts. */
export function axisWeights(axis: Axis, resample: Preprocessing['resample']): AxisWeights {
  if (axis.from === axis.to) return copied(axis, (i) => i)
  if (resample === 'nearest') return nearest(axis)
  return filtered(axis, FILTERS[resample])
}

function filtered({ from, to, offset, count }: Axis, { support, weigh }: Filter): AxisWeights {
  const scale = from / to
  const stretch = Math.max(1, scale)
  const reach = support * stretch
  const stride = Math.ceil(reach) * 2 + 1
  const table = emptyTable(count, stride)
  const exact = new Float64Array(stride)

  for (let i = 0; i < count; i++) {
    const centre = (offset + i + 0.5) * scale
    const start = Math.max(0, Math.trunc(centre - reach + 0.5))
    const taps = Math.min(from, Math.trunc(centre + reach + 0.5)) - start
    let sum = 0
    for (let k = 0; k < taps; k++) {
      const weight = weigh((start + k - centre + 0.5) * (1 / stretch))
      exact[k] = weight
      sum += weight
    }
    table.starts[i] = start
    table.counts[i] = taps
    for (let k = 0; k < taps; k++) table.weights[i * stride + k] = toFixedPoint((exact[k] as number) / (sum || 1))
  }
  return { ...table, stride, ...extent(table) }
}

/** Pillow steps along the source by adding up, so that its rounding errors add up too. */
function nearest(axis: Axis): AxisWeights {
  const scale = axis.from / axis.to
  const picks = new Int32Array(axis.count)
  let position = scale * 0.5
  for (let i = 0; i < axis.offset + axis.count; i++, position += scale)
    if (i >= axis.offset) picks[i - axis.offset] = Math.min(axis.from - 1, Math.trunc(position))
  return copied({ ...axis, offset: 0 }, (i) => picks[i] as number)
}

function copied({ offset, count }: Axis, sourceOf: (i: number) => number): AxisWeights {
  const table = emptyTable(count, 1)
  for (let i = 0; i < count; i++) table.starts[i] = sourceOf(offset + i)
  table.counts.fill(1)
  table.weights.fill(1 << WEIGHT_BITS)
  return { ...table, stride: 1, ...extent(table) }
}

function emptyTable(count: number, stride: number) {
  return { starts: new Int32Array(count), counts: new Int32Array(count), weights: new Int32Array(count * stride) }
}

function extent({ starts, counts }: Pick<AxisWeights, 'starts' | 'counts'>): { first: number; end: number } {
  const last = starts.length - 1
  return { first: starts[0] as number, end: (starts[last] as number) + (counts[last] as number) }
}

function toFixedPoint(weight: number): number {
  const scaled = weight * (1 << WEIGHT_BITS)
  return Math.trunc(scaled < 0 ? scaled - 0.5 : scaled + 0.5)
}

/** Keys' cubic convolution with a = −0.5. */
function cubic(at: number): number {
  const x = Math.abs(at)
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * -0.5
  return 0
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI)
}
