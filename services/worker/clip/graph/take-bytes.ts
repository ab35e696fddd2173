import type { Preprocessing } from '../preprocessing.ts'
import { embedPatches } from './embed-patches.ts'
import { FLOAT, initializer, makeNode, type OnnxModel, replaceInput, tensorInput, UINT8 } from './onnx-model.ts'

/** The input of a graph that takes pixels as bytes. */
export const BYTES_INPUT = 'pixwarden_pixels'

/**
 * Lets a graph take pixels as they are decoded, uint8 [batch, height, width, 3], in the place of its input of floats, float32 [batch, 3, height, width];
 * `batch` is 0 where it is free. A quarter of the bytes then reach the runtime, and no JavaScript runs over the pixels.
 */
export function takeBytes(model: OnnxModel, input: { name: string; batch: number }, preprocessing: Preprocessing): OnnxModel {
  const { width, height } = preprocessing
  const bytes = tensorInput(BYTES_INPUT, UINT8, [input.batch || 'batch', height, width, 3])
  const taking =
    embedPatches(model, { input: input.name, bytes: BYTES_INPUT }, preprocessing) ??
    normaliseBytes(model, input.name, preprocessing)
  return replaceInput(taking, input.name, bytes)
}

/** As the reference does it, ((u8 · rescale) − mean) / std, to a unit in the last place. */
function normaliseBytes(model: OnnxModel, input: string, { rescaleFactor, mean, std }: Preprocessing): OnnxModel {
  const value = (name: string) => `${BYTES_INPUT}/${name}`
  const constants = [
    initializer(value('rescale'), Float32Array.of(rescaleFactor), []),
    initializer(value('mean'), Float32Array.from(mean), [3, 1, 1]),
    initializer(value('std'), Float32Array.from(std), [3, 1, 1]),
  ]
  const nodes = [
    // As bytes: turning floats costs several times as much.
    makeNode('Transpose', [BYTES_INPUT], value('planes'), { perm: [0, 3, 1, 2] }),
    makeNode('Cast', [value('planes')], value('float'), { to: FLOAT }),
    makeNode('Mul', [value('float'), value('rescale')], value('rescaled')),
    makeNode('Sub', [value('rescaled'), value('mean')], value('centred')),
    makeNode('Div', [value('centred'), value('std')], input),
  ]
  return { ...model, graph: [...model.graph, ...constants], nodes: [...nodes, ...model.nodes] }
}
