import { FLOAT, FLOAT16, makeNode, type OnnxModel, replaceInput, tensorInput } from './onnx-model.ts'

/** The input of a graph of half precision that takes floats. */
export const FLOATS_INPUT = 'pixwarden_floats'

/** Lets a graph take float32 in the place of its input of float16; axes of `shape` that are free are 0. */
export function takeFloats(model: OnnxModel, input: { name: string; shape: readonly number[] }): OnnxModel {
  const shape = input.shape.map((size, axis) => size || `axis${axis}`)
  const taking = replaceInput(model, input.name, tensorInput(FLOATS_INPUT, FLOAT, shape))
  return { ...taking, nodes: [makeNode('Cast', [FLOATS_INPUT], input.name, { to: FLOAT16 }), ...taking.nodes] }
}
