import { Tensor } from 'onnxruntime-node'
import { AppError } from '../../core/domain/errors.ts'
import { normalise } from '../../core/domain/vector.ts'
import { BYTES_INPUT } from './graph/take-bytes.ts'
import { toHalf } from './half.ts'
import type { Model } from './open-model.ts'
import { embeddingOutput, fixedSize, openSession, type SessionOptions, type TensorInfo } from './open-session.ts'
import { fillPlanes, normalisationTables, type PixelNumbers } from './pixels-to-tensor.ts'
import { rowsOf } from './rows-of.ts'

/** Unit embeddings, shape [dim], of views, RGB, shape [height, width, 3]. One call at a time: they share a buffer. */
export type VisionSession = {
  embed(views: Uint8Array[]): Promise<Float32Array[]>
  /** Frees its memory. */
  release(): Promise<void>
}

export type VisionModel = Pick<Model, 'preprocessing' | 'embeddingSize'>

/** Loads a graph that is a model's image side, as it came or edited. Throws AppError `invalid-model` when it is not what the model's files say. */
export async function openVisionSession(file: string, model: VisionModel, options: SessionOptions): Promise<VisionSession> {
  const { preprocessing, embeddingSize } = model
  const { session, inputs, outputs } = await openSession(file, options)
  const output = embeddingOutput(file, outputs, 'image_embeds', embeddingSize)
  const bytes = inputs.find(({ name }) => name === BYTES_INPUT)
  const input = bytes ?? pixelInput(file, inputs, preprocessing)
  const fixedBatch = fixedSize(input.shape[0])
  const toTensor = bytes ? bytesTensor(preprocessing) : numbersTensor(preprocessing, input.type === 'float16')

  async function run(views: Uint8Array[]): Promise<Float32Array[]> {
    const results = await session.run({ [input.name]: toTensor(views, fixedBatch ?? views.length) }, [output])
    return rowsOf(results[output], views.length).map(normalise)
  }

  return {
    async embed(views) {
      const embeddings: Float32Array[] = []
      const step = fixedBatch ?? Math.max(1, views.length)
      for (let i = 0; i < views.length; i += step) embeddings.push(...(await run(views.slice(i, i + step))))
      return embeddings
    },
    release: () => session.release(),
  }
}

type ToTensor = (views: Uint8Array[], batch: number) => Tensor

/** The views as they are, one after the other, in a buffer that is used again and again. */
function bytesTensor({ height, width }: Model['preprocessing']): ToTensor {
  const viewSize = 3 * height * width
  let buffer = new Uint8Array(0)
  return (views, batch) => {
    if (buffer.length < batch * viewSize) buffer = new Uint8Array(batch * viewSize)
    for (const [index, view] of views.entries()) buffer.set(view, index * viewSize)
    return new Tensor('uint8', buffer.subarray(0, batch * viewSize), [batch, height, width, 3])
  }
}

function numbersTensor(preprocessing: Model['preprocessing'], areHalves: boolean): ToTensor {
  const { height, width } = preprocessing
  const [red, green, blue] = normalisationTables(preprocessing)
  const tables = areHalves ? ([halvesOf(red), halvesOf(green), halvesOf(blue)] as const) : ([red, green, blue] as const)
  const viewSize = 3 * height * width
  let buffer: PixelNumbers = new Float32Array(0)
  return (views, batch) => {
    const length = batch * viewSize
    if (buffer.length < length) buffer = areHalves ? new Uint16Array(length) : new Float32Array(length)
    for (const [index, view] of views.entries())
      fillPlanes(view, tables, buffer.subarray(index * viewSize, (index + 1) * viewSize))
    const numbers = buffer.subarray(0, length)
    const dims = [batch, 3, height, width]
    return numbers instanceof Uint16Array ? halvesTensor(numbers, dims) : new Tensor('float32', numbers, dims)
  }
}

/**
 * Halves by their bits. Where JavaScript has arrays of halves (Node 24), a tensor makes one of them, and the runtime finds no bytes in it (pull request 32323 of
 * onnxruntime): it is shown what was given.
 */
function halvesTensor(halves: Uint16Array, dims: readonly number[]): Tensor {
  return Object.defineProperty(new Tensor('float16', halves, dims), 'data', { value: halves })
}

function halvesOf(numbers: Float32Array): Uint16Array {
  return Uint16Array.from(numbers, toHalf)
}

function pixelInput(file: string, inputs: TensorInfo[], { height, width }: Model['preprocessing']): TensorInfo {
  const images = inputs.filter(({ type, shape }) => /^float(32|16)$/.test(type) && shape.length === 4)
  const input = images.find(({ name }) => name === 'pixel_values') ?? images[0]
  if (!input || inputs.length > 1) {
    const found = inputs.map(({ name, type, shape }) => `${name} (${type}, [${shape.join(', ')}])`).join(', ')
    throw new AppError('invalid-model', `${file} must have one input, float32 or float16 [batch, 3, height, width], not ${found}`)
  }
  const wanted = [undefined, 3, height, width]
  if (input.shape.some((axis, index) => wanted[index] !== undefined && (fixedSize(axis) ?? wanted[index]) !== wanted[index]))
    throw new AppError(
      'invalid-model',
      `${file}: ${input.name} is [${input.shape.join(', ')}], but preprocessor_config.json makes pictures of ${width} × ${height}`,
    )
  return input
}
