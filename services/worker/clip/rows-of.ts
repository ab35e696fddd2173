import type { Tensor } from 'onnxruntime-node'
import { AppError } from '../../core/domain/errors.ts'

/** The first `count` rows of a float32 tensor of shape [batch, dim]. Throws AppError `model-failed` when it has another shape. */
export function rowsOf(tensor: Tensor | undefined, count: number): Float32Array[] {
  const [batch, dim] = tensor?.dims ?? []
  if (
    !(tensor?.data instanceof Float32Array) ||
    tensor.dims.length !== 2 ||
    batch === undefined ||
    dim === undefined ||
    batch < count
  )
    throw new AppError('model-failed', `the model gave ${tensor?.type} [${tensor?.dims.join(', ')}] for ${count} inputs`)
  const { data } = tensor
  return Array.from({ length: count }, (_, row) => data.subarray(row * dim, (row + 1) * dim))
}
