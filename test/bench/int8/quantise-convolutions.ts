import {
  attributeOf,
  floatsOf,
  initializer,
  makeNode,
  type OnnxModel,
  type OnnxNode,
} from '../../../services/worker/clip/graph/onnx-model.ts'
import { toFloats, toWholeNumbers } from '../../../services/worker/clip/graph/quantise.ts'
import { quantiseColumns } from '../../../services/worker/clip/graph/quantise-columns.ts'

/** Convolutions in whole numbers, as the recipe of transformers.js makes them, with a factor for each output channel; those in groups stay as they are. */
export function quantiseConvolutions(model: OnnxModel): OnnxModel {
  const wholeInputs = new Set<string>()
  const constants: OnnxModel['graph'] = []
  const nodes = model.nodes.flatMap((node) => {
    const [input = '', weights = '', bias = ''] = node.inputs
    const kernel = node.op === 'Conv' && attributeOf(node, 'group', 1) === 1 ? floatsOf(model, weights) : undefined
    if (!kernel) return [node]
    const [output = ''] = node.outputs
    const channels = kernel.dims[0] as number
    const rows = kernel.values.length / channels
    const { values, factors } = quantiseColumns({ values: kernel.values, rows, columns: channels, turned: true })
    const byChannel = Int8Array.from(values, (_, index) => values[(index % rows) * channels + Math.floor(index / rows)] as number)
    constants.push(
      initializer(`${output}/weights`, byChannel, kernel.dims),
      initializer(`${output}/factors`, factors, [channels, 1, 1]),
    )
    const added = floatsOf(model, bias)
    if (added) constants.push(initializer(`${output}/bias`, added.values, [channels, 1, 1]))
    const first = !wholeInputs.has(input)
    wholeInputs.add(input)
    return [
      ...(first ? [toWholeNumbers(input)] : []),
      inWholeNumbers(node, input, output),
      ...toFloats(input, output, added && `${output}/bias`),
    ]
  })
  return { ...model, graph: [...model.graph, ...constants], nodes }
}

function inWholeNumbers(node: OnnxNode, input: string, output: string): OnnxNode {
  const sum = makeNode('ConvInteger', [`${input}/whole`, `${output}/weights`, `${input}/zero`], `${output}/sum`)
  const attributes = node.fields.filter(({ number }) => number === ATTRIBUTES)
  return { ...sum, fields: [...sum.fields, ...attributes] }
}

/** Of a node, in onnx.proto. */
const ATTRIBUTES = 5
