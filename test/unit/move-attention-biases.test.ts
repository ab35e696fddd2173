import { expect, test } from 'vitest'
import { moveAttentionBiases } from '../../services/worker/clip/graph/move-attention-biases.ts'
import { floatsOf, initializer, makeNode, type OnnxModel, type OnnxNode } from '../../services/worker/clip/graph/onnx-model.ts'

const bias = (name: string, ...values: number[]) => initializer(name, Float32Array.from(values), [values.length])
const GRAPH = [
  bias('bq', 1, 2),
  bias('bk', 3, 4),
  bias('bv', 5, 6),
  bias('bo', 7, 8),
  initializer('w', Float32Array.of(1, 10, 100, 1000), [2, 2]),
  initializer('scale', Float32Array.of(0.5), []),
  initializer('shape', BigInt64Array.of(0n, -1n, 1n, 2n), [4]),
]

const heads = (name: string, perm: number[]) => [
  makeNode('Reshape', [name, 'shape'], `${name}_heads`),
  makeNode('Transpose', [`${name}_heads`], `${name}_turned`, { perm }),
]
/** One attention, as exports write it. */
const ATTENTION: OnnxNode[] = [
  ...['q', 'k', 'v'].flatMap((name) => [
    makeNode('MatMul', ['x', 'w'], `${name}_product`),
    makeNode('Add', [`b${name}`, `${name}_product`], name),
  ]),
  makeNode('Shape', ['k'], 'k_shape'),
  ...heads('q', [0, 2, 1, 3]),
  ...heads('k', [0, 2, 3, 1]),
  ...heads('v', [0, 2, 1, 3]),
  makeNode('MatMul', ['q_turned', 'k_turned'], 'products'),
  makeNode('Mul', ['products', 'scale'], 'scaled'),
  makeNode('Softmax', ['scaled'], 'shares'),
  makeNode('MatMul', ['shares', 'v_turned'], 'seen'),
  ...heads('seen', [0, 2, 1, 3]),
  makeNode('MatMul', ['seen_turned', 'w'], 'projected'),
  makeNode('Add', ['projected', 'bo'], 'out'),
]
const move = (nodes: OnnxNode[], graph = GRAPH) => moveAttentionBiases({ fields: [], graph, nodes })
const added = (model: OnnxModel | undefined) =>
  model?.nodes.filter(({ op }) => op === 'Add').map(({ inputs }) => inputs.find((name) => name.includes('b')))
const replace = (output: string, ...by: OnnxNode[]) => ATTENTION.flatMap((node) => (node.outputs[0] === output ? by : [node]))

test('of an attention, the queries keep their bias, and that of the values goes into the one that follows', () => {
  const moved = move(ATTENTION) as OnnxModel
  expect(added(moved)).toEqual(['bq', 'pixwarden_biases/bo'])
  expect(floatsOf(moved, 'pixwarden_biases/bo')?.values).toEqual(Float32Array.of(7 + 5 * 1 + 6 * 100, 8 + 5 * 10 + 6 * 1000))
  for (const name of ['k_product', 'v_product'])
    expect(moved.nodes.filter(({ inputs }) => inputs.includes(name)).map(({ op }) => op)).toContain('Reshape')
})

test('nodes that take neither stay as they were', () => {
  const moved = move(ATTENTION) as OnnxModel
  const untouched = moved.nodes.filter((node) => ATTENTION.includes(node))
  expect(untouched).toHaveLength(ATTENTION.length - 2 - 4)
})

test.each<[string, OnnxNode[], string[]]>([
  ['keys are used for something else', [...ATTENTION, makeNode('Relu', ['k'], 'other')], ['bq', 'bk', 'pixwarden_biases/bo']],
  ['values are used for something else', [...ATTENTION, makeNode('Relu', ['v'], 'other')], ['bq', 'bv', 'bo']],
  ['values are multiplied', replace('v_heads', makeNode('Mul', ['v', 'scale'], 'v_heads')), ['bq', 'bv', 'bo']],
  ['a function follows the keys', replace('k_heads', makeNode('Relu', ['k'], 'k_heads')), ['bq', 'bk', 'pixwarden_biases/bo']],
  ['no bias follows', replace('out', makeNode('Relu', ['projected'], 'out')), ['bq', 'bv']],
  ['the bias that follows is used elsewhere', [...ATTENTION, makeNode('Add', ['x', 'bo'], 'other')], ['bq', 'bv', 'bo', 'bo']],
])('biases are left where %s', (_, nodes, expected) => {
  expect(added(move(nodes))).toEqual(expected)
})

test('a graph without attention is left alone', () => {
  expect(move([makeNode('MatMul', ['x', 'w'], 'product'), makeNode('Add', ['product', 'bo'], 'out')])).toBeUndefined()
})

test('values whose weights are not at hand keep their bias', () => {
  const graph = GRAPH.map((field, index) => (index === 4 ? initializer('w', new Int8Array(4), [2, 2]) : field))
  expect(added(move(ATTENTION, graph))).toEqual(['bq', 'bv', 'bo'])
})
