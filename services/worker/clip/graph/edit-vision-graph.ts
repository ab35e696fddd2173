import type { Model } from '../open-model.ts'
import { cutLastLayer } from './cut-last-layer.ts'
import {
  FLOAT,
  hasExternalData,
  inputsOf,
  type OnnxModel,
  onlyOutput,
  outputsOf,
  parseOnnx,
  serialiseOnnx,
} from './onnx-model.ts'
import { takeBytes } from './take-bytes.ts'

const EMBEDDINGS = ['image_embeds', 'pooler_output']

/** The same graph for less work, best first: each must be compared with the original before it is used. The bytes of its file are in parts. */
export type EditedGraph = { name: 'bytes, last layer cut' | 'bytes'; graph: Buffer[] }

/** Edits the image side of a model. None for a graph that is laid out in a way that is not known here, or whose weights lie beside it. */
export function editVisionGraph(file: Buffer, { preprocessing }: Pick<Model, 'preprocessing'>): EditedGraph[] {
  const model = parseOnnx(file)
  const inputs = inputsOf(model)
  const [input] = inputs
  const outputs = outputsOf(model)
  const output = EMBEDDINGS.find((name) => outputs.includes(name)) ?? (outputs.length === 1 ? outputs[0] : undefined)
  if (inputs.length !== 1 || input?.type !== FLOAT || input.shape.length !== 4 || output === undefined || hasExternalData(model))
    return []
  const pixels = { name: input.name, batch: input.shape[0] ?? 0 }
  const edited = (from: OnnxModel) => serialiseOnnx(takeBytes(from, pixels, preprocessing))
  const lean = onlyOutput(model, output)
  const cut = cutLastLayer(lean)
  return [
    ...(cut ? [{ name: 'bytes, last layer cut' as const, graph: edited(cut) }] : []),
    { name: 'bytes' as const, graph: edited(lean) },
  ]
}
