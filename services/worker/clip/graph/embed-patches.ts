import type { Preprocessing } from '../preprocessing.ts'
import {
  attributeOf,
  FLOAT,
  floatsOf,
  initializer,
  integersOf,
  makeNode,
  type OnnxModel,
  type OnnxNode,
  withoutInitializer,
} from './onnx-model.ts'
import type { Field } from './wire-format.ts'

const NAME = 'pixwarden_patches'

type Patches = {
  conv: OnnxNode
  /** Nodes that give the convolution the picture as it is. */
  passing: OnnxNode[]
  /** Nodes that ask for the picture's shape. */
  shapes: OnnxNode[]
  weights: Float32Array
  bias: Float32Array | undefined
  channels: number
  size: number
}

/**
 * Lets a vision transformer take pixels as bytes, uint8 [batch, height, width, 3] by the name of `bytes`, where it cuts the picture called `input` into patches: a patch
 * is one row of bytes in the picture, and embedding it a product with its weights, into which the normalisation, (u8 · rescale − mean) / std, is multiplied. So
 * nothing runs over floats of pixels, and the product is faster than the convolution that it replaces. undefined when the graph does something else with the picture.
 */
export function embedPatches(
  model: OnnxModel,
  { input, bytes }: { input: string; bytes: string },
  preprocessing: Preprocessing,
): OnnxModel | undefined {
  const patches = patchesOf(model, input, preprocessing)
  if (!patches) return undefined
  const { conv, passing, shapes } = patches
  const needless = new Set([conv, ...passing, ...shapes])
  const others = model.nodes.filter((node) => !needless.has(node))
  const nodes = [...productNodes(bytes, conv), ...shapeNodes(bytes, shapes), ...others]
  const lean = conv.inputs.slice(1).reduce(withoutInitializer, { ...model, nodes })
  return { ...lean, graph: [...lean.graph, ...productConstants(patches, preprocessing), ...shapeConstants(preprocessing)] }
}

const value = (name: string) => `${NAME}/${name}`
const numbers = (name: string, ...values: number[]) =>
  initializer(value(name), BigInt64Array.from(values, BigInt), [values.length])

/** What `conv` would make of the picture: [batch, channels, rows of patches, patches in a row]. */
function productNodes(bytes: string, conv: OnnxNode): OnnxNode[] {
  return [
    makeNode('Reshape', [bytes, value('as_strips')], value('strips')),
    makeNode('Transpose', [value('strips')], value('by_patch'), { perm: [0, 1, 3, 2, 4] }),
    makeNode('Reshape', [value('by_patch'), value('as_rows')], value('bytes')),
    makeNode('Cast', [value('bytes')], value('floats'), { to: FLOAT }),
    makeNode('MatMul', [value('floats'), value('weights')], value('products')),
    makeNode('Add', [value('products'), value('bias')], value('embedded')),
    makeNode('Transpose', [value('embedded')], value('planes'), { perm: [0, 2, 1] }),
    makeNode('Reshape', [value('planes'), value('as_picture')], conv.outputs[0] as string),
  ]
}

function productConstants(patches: Patches, preprocessing: Preprocessing): Field[] {
  const { size, channels } = patches
  const [rows, columns] = [preprocessing.height / size, preprocessing.width / size]
  const { weights, bias } = normalising(patches, preprocessing)
  return [
    initializer(value('weights'), weights, [3 * size * size, channels]),
    initializer(value('bias'), bias, [channels]),
    // A 0 keeps the axis as it is.
    numbers('as_strips', 0, rows, size, columns, 3 * size),
    numbers('as_rows', 0, rows * columns, 3 * size * size),
    numbers('as_picture', 0, channels, rows, columns),
  ]
}

/** What `shapes` would give of the picture: [batch, 3, height, width]. */
function shapeNodes(bytes: string, shapes: OnnxNode[]): OnnxNode[] {
  return [
    makeNode('Shape', [bytes], value('shape')),
    makeNode('Slice', [value('shape'), value('zero'), value('one')], value('batch')),
    ...shapes.map(({ outputs }) => makeNode('Concat', [value('batch'), value('picture')], outputs, { axis: 0 })),
  ]
}

function shapeConstants({ width, height }: Preprocessing): Field[] {
  return [numbers('zero', 0), numbers('one', 1), numbers('picture', 3, height, width)]
}

/** The convolution that is all that becomes of the picture, when each of its windows is a patch of its own. */
function patchesOf(model: OnnxModel, input: string, { width, height }: Preprocessing): Patches | undefined {
  const { conv, ...around } = followPicture(model, input)
  const [, weightsName = '', biasName = ''] = conv?.inputs ?? []
  const weights = floatsOf(model, weightsName)
  const bias = floatsOf(model, biasName)
  if (!conv || !weights || (biasName !== '' && !bias)) return undefined
  const [channels = 0, inChannels, size = 0, wide] = weights.dims
  const says = (name: string, absent: number) => integersOf(conv, name) ?? [absent]
  const isOfPatches =
    inChannels === 3 &&
    wide === size &&
    says('strides', 1).every((stride) => stride === size) &&
    says('pads', 0).every((pad) => pad === 0) &&
    says('dilations', 1).every((dilation) => dilation === 1)
  if (!isOfPatches || width % size !== 0 || height % size !== 0) return undefined
  return { conv, ...around, weights: weights.values, bias: bias?.values, channels, size }
}

/** Follows the picture to the convolution that takes it; none when something else takes it too. */
function followPicture(model: OnnxModel, input: string): { conv?: OnnxNode; passing: OnnxNode[]; shapes: OnnxNode[] } {
  const consumers = model.nodes.filter(({ inputs }) => inputs.includes(input))
  const shapes = consumers.filter((node) => asksForShape(node))
  const [only, ...others] = consumers.filter((node) => !shapes.includes(node))
  if (!only || others.length > 0) return { passing: [], shapes }
  if (only.op === 'Conv') return { conv: only, passing: [], shapes }
  if (!passesOn(only)) return { passing: [], shapes }
  const { passing, ...rest } = followPicture(model, only.outputs[0] as string)
  return { ...rest, passing: [only, ...passing], shapes: [...shapes, ...rest.shapes] }
}

function asksForShape(node: OnnxNode): boolean {
  return node.op === 'Shape' && attributeOf(node, 'start', 0) === 0 && attributeOf(node, 'end', 4) === 4
}

/** Exports make sure that the picture is of the type of the weights. */
function passesOn(node: OnnxNode): boolean {
  return node.op === 'Identity' || (node.op === 'Cast' && attributeOf(node, 'to', FLOAT) === FLOAT)
}

/** W · (u8 · rescale − mean) / std + b as W′ · u8 + b′, with the weights in the order of bytes: [y, x, colour] by channel. */
function normalising(
  { weights, bias, channels, size }: Patches,
  { rescaleFactor, mean, std }: Preprocessing,
): { weights: Float32Array; bias: Float32Array } {
  const area = size * size
  const scaled = new Float32Array(weights.length)
  const moved = new Float32Array(channels)
  for (let channel = 0; channel < channels; channel++) {
    let sum = bias?.[channel] ?? 0
    for (let colour = 0; colour < 3; colour++) {
      const deviation = std[colour] as number
      for (let pixel = 0; pixel < area; pixel++) {
        const weight = weights[(channel * 3 + colour) * area + pixel] as number
        scaled[(pixel * 3 + colour) * channels + channel] = (weight * rescaleFactor) / deviation
        sum -= (weight * (mean[colour] as number)) / deviation
      }
    }
    moved[channel] = sum
  }
  return { weights: scaled, bias: moved }
}
