import {
  attributeOf,
  FLOAT,
  factorOf,
  floatsOf,
  initializer,
  makeNode,
  type OnnxModel,
  type OnnxNode,
  withoutInitializer,
} from './onnx-model.ts'
import { type Matrix, quantiseColumns } from './quantise-columns.ts'

/** A product with weights that are always the same: what goes in, and what is added to it. */
type Product = { input: string; weights: string; matrix: Matrix; bias: string | undefined; output: string }

/**
 * Lets a graph multiply in whole numbers, as `quantize_dynamic` of onnxruntime does: of each MatMul or Gemm with weights of float32 the weights become int8, with a
 * factor for each column, and what goes in uint8 as it comes, with one factor. The nodes are those that the runtime fuses. Convolutions stay as they are, for
 * ConvInteger takes longer than the floats do. `products` counts what was changed.
 */
export function quantise(model: OnnxModel): { model: OnnxModel; products: number } {
  const products = new Map(model.nodes.map((node) => [node, productOf(model, node)]))
  const quantisedInputs = new Set<string>()
  const constants: OnnxModel['graph'] = []
  const nodes = model.nodes.flatMap((node) => {
    const product = products.get(node)
    if (!product) return [node]
    const { input, output } = product
    const first = !quantisedInputs.has(input)
    quantisedInputs.add(input)
    const { values, factors, rows, columns } = quantiseColumns(product.matrix)
    constants.push(
      initializer(`${output}/weights`, values, [rows, columns]),
      initializer(`${output}/factors`, factors, [columns]),
    )
    return [...(first ? [toWholeNumbers(input)] : []), ...inWholeNumbers(product)]
  })
  const found = [...products.values()].filter((product) => product !== undefined)
  const lean = found.reduce((rest, { weights }) => withoutInitializer(rest, weights), { ...model, nodes })
  return { model: { ...lean, graph: [...lean.graph, ...constants] }, products: found.length }
}

function productOf(model: OnnxModel, node: OnnxNode): Product | undefined {
  const [input = '', weights = '', bias] = node.inputs
  const [output = ''] = node.outputs
  if (node.op !== 'MatMul' && !isPlainGemm(node)) return undefined
  const tensor = floatsOf(model, weights)
  if (tensor?.dims.length !== 2) return undefined
  const turned = node.op === 'Gemm' && attributeOf(node, 'transB', 0) === 1
  const [rows = 0, columns = 0] = turned ? tensor.dims.toReversed() : tensor.dims
  const matrix = { values: tensor.values, rows, columns, turned }
  return { input, weights, matrix, bias, output }
}

function isPlainGemm(node: OnnxNode): boolean {
  const plain = factorOf(node, 'alpha') === 1 && factorOf(node, 'beta') === 1
  return node.op === 'Gemm' && plain && attributeOf(node, 'transA', 0) === 0
}

/** Of floats called `input`, `input/whole`, their step and their zero. */
export function toWholeNumbers(input: string): OnnxNode {
  return makeNode('DynamicQuantizeLinear', [input], [`${input}/whole`, `${input}/step`, `${input}/zero`])
}

/** Turns `output/sum`, in whole numbers, into the floats called `output`, by the step of `input` and `output/factors`, and adds the bias. */
export function toFloats(input: string, output: string, bias: string | undefined): OnnxNode[] {
  const scaled = bias ? `${output}/scaled` : output
  return [
    makeNode('Cast', [`${output}/sum`], `${output}/float`, { to: FLOAT }),
    makeNode('Mul', [`${input}/step`, `${output}/factors`], `${output}/scale`),
    makeNode('Mul', [`${output}/float`, `${output}/scale`], scaled),
    ...(bias ? [makeNode('Add', [scaled, bias], output)] : []),
  ]
}

function inWholeNumbers({ input, output, bias }: Product): OnnxNode[] {
  const sum = makeNode('MatMulInteger', [`${input}/whole`, `${output}/weights`, `${input}/zero`], `${output}/sum`)
  return [sum, ...toFloats(input, output, bias)]
}
