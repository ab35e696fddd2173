import type { Model } from '../open-model.ts'
import { cutLastLayer } from './cut-last-layer.ts'
import { moveAttentionBiases } from './move-attention-biases.ts'
import { FLOAT, FLOAT16, inputsOf, type OnnxModel, onlyOutput, outputsOf, parseOnnx, serialiseOnnx } from './onnx-model.ts'
import { takeBytes } from './take-bytes.ts'
import { FLOATS_INPUT, takeFloats } from './take-floats.ts'

const EMBEDDINGS = ['image_embeds', 'pooler_output']

/** The same graph for less work, best first: each must be compared with the original before it is used. The bytes of its file are in parts. */
export type EditedGraph = { name: string; graph: Buffer[] }

/** Edits the image side of a model. None for a graph that is laid out in a way that is not known here. Weights that lie beside it are left there. */
export function* editVisionGraph(
  file: Buffer,
  { preprocessing }: Pick<Model, 'preprocessing'>,
): Generator<EditedGraph, undefined> {
  const model = parseOnnx(file)
  const [input, ...others] = inputsOf(model)
  const outputs = outputsOf(model)
  const output = EMBEDDINGS.find((name) => outputs.includes(name)) ?? (outputs.length === 1 ? outputs[0] : undefined)
  if (!input || others.length > 0 || input.shape.length !== 4 || output === undefined) return undefined
  if (input.type !== FLOAT && input.type !== FLOAT16) return undefined
  const isHalf = input.type === FLOAT16
  const lean = onlyOutput(isHalf ? takeFloats(model, input) : model, output)
  const pixels = { name: isHalf ? FLOATS_INPUT : input.name, batch: input.shape[0] ?? 0 }
  const moved = moveAttentionBiases(lean)
  for (const { name, model } of [...(moved ? variantsOf(moved, 'bytes, biases moved') : []), ...variantsOf(lean, 'bytes')])
    yield { name, graph: serialiseOnnx(takeBytes(model, pixels, preprocessing)) }
}

function variantsOf(model: OnnxModel, name: string): { name: string; model: OnnxModel }[] {
  const cut = cutLastLayer(model)
  return [...(cut ? [{ name: `${name}, last layer cut`, model: cut }] : []), { name, model }]
}
