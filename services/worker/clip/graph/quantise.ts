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
    const first = !quantisedInputs.has(product.input)
    quantisedInputs.add(product.input)
    const name = named(product)
    const { values, factors, rows, columns } = quantiseColumns(product.matrix)
    constants.push(initializer(name.weights, values, [rows, columns]), initializer(name.factors, factors, [columns]))
    return [...(first ? [toWholeNumbers(product)] : []), ...inWholeNumbers(product)]
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
  const [rows = 0, columns = 0] = tensor.dims
  const turned = node.op === 'Gemm' && attributeOf(node, 'transB', 0) === 1
  const matrix = turned
    ? { values: tensor.values, rows: columns, columns: rows, turned }
    : { values: tensor.values, rows, columns, turned }
  return { input, weights, matrix, bias, output }
}

function isPlainGemm(node: OnnxNode): boolean {
  const plain = factorOf(node, 'alpha') === 1 && factorOf(node, 'beta') === 1
  return node.op === 'Gemm' && plain && attributeOf(node, 'transA', 0) === 0
}

function named({ input, output }: Product) {
  return {
    whole: `${input}/whole`,
    step: `${input}/step`,
    zero: `${input}/zero`,
    weights: `${output}/weights`,
    factors: `${output}/factors`,
  }
}

function toWholeNumbers(product: Product): OnnxNode {
  const { whole, step, zero } = named(product)
  return makeNode('DynamicQuantizeLinear', [product.input], [whole, step, zero])
}

function inWholeNumbers(product: Product): OnnxNode[] {
  const { bias, output } = product
  const { whole, step, zero, weights, factors } = named(product)
  const [sum, float, scale] = [`${output}/sum`, `${output}/float`, `${output}/scale`]
  const scaled = bias ? `${output}/scaled` : output
  return [
    makeNode('MatMulInteger', [whole, weights, zero], sum),
    makeNode('Cast', [sum], float, { to: FLOAT }),
    makeNode('Mul', [step, factors], scale),
    makeNode('Mul', [float, scale], scaled),
    ...(bias ? [makeNode('Add', [scaled, bias], output)] : []),
  ]
}
