import type { Tensor } from 'onnxruntime-node'
import { AppError } from '../../core/domain/errors.ts'
import { fromHalf } from './half.ts'

/** The first `count` rows of a tensor of shape [batch, dim], float32 or float16. Throws AppError `model-failed` when it has another shape. */
export function rowsOf(tensor: Tensor | undefined, count: number): Float32Array[] {
  const [batch, dim] = tensor?.dims ?? []
  const data = tensor && floatsOf(tensor)
  if (!tensor || !data || tensor.dims.length !== 2 || batch === undefined || dim === undefined || batch < count)
    throw new AppError('model-failed', `the model gave ${tensor?.type} [${tensor?.dims.join(', ')}] for ${count} inputs`)
  return Array.from({ length: count }, (_, row) => data.subarray(row * dim, (row + 1) * dim))
}

function floatsOf({ type, data }: Tensor): Float32Array | undefined {
  if (data instanceof Float32Array) return data
  if (type !== 'float16') return undefined
  // Where JavaScript has arrays of halves, they hold numbers.
  return data instanceof Uint16Array ? Float32Array.from(data, fromHalf) : Float32Array.from(data as Iterable<number>)
}
