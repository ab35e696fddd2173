import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dot } from '../../services/core/domain/vector.ts'
import { foldConstants } from '../../services/worker/clip/graph/fold-constants.ts'
import {
  FLOAT,
  initializer,
  makeNode,
  type OnnxNode,
  parseOnnx,
  serialiseOnnx,
  tensorInput,
} from '../../services/worker/clip/graph/onnx-model.ts'
import { quantise } from '../../services/worker/clip/graph/quantise.ts'
import { integer, message, text } from '../../services/worker/clip/graph/wire-format.ts'
import { openModel } from '../../services/worker/clip/open-model.ts'
import { openVisionSession } from '../../services/worker/clip/vision-session.ts'
import { putWeightsBeside } from '../support/odd-graphs.ts'
import { copyTinyModel } from '../support/parity.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'pixwarden-quantised-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** Large enough that what a product loses to rounding is small beside it. */
const [ROWS, INNER, COLUMNS] = [4, 64, 8]
const wave = (length: number, by: number) => Float32Array.from({ length }, (_, i) => Math.sin(1 + i * by))

/** x · w + b, as one node says it. */
function productGraph(node: OnnxNode, dims: number[]) {
  const weights = initializer('w', wave(INNER * COLUMNS, 0.7), dims)
  const bias = initializer('b', wave(COLUMNS, 3), [COLUMNS])
  return {
    fields: [integer(1, 8), { number: 7, kind: 'bytes' as const, value: Buffer.alloc(0) }, message(8, [integer(2, 17)])],
    graph: [
      text(2, 'product'),
      weights,
      bias,
      tensorInput('x', FLOAT, [ROWS, INNER]),
      { ...tensorInput('y', FLOAT, [ROWS, COLUMNS]), number: 12 },
    ],
    nodes: [node],
  }
}

async function run(graph: Buffer[]): Promise<Float32Array> {
  const session = await InferenceSession.create(Buffer.concat(graph), { logSeverityLevel: 3 })
  const { y } = await session.run({ x: new Tensor('float32', wave(ROWS * INNER, 0.31), [ROWS, INNER]) })
  return y?.data as Float32Array
}

test.each([
  ['MatMul', makeNode('MatMul', ['x', 'w'], 'y'), [INNER, COLUMNS]],
  ['Gemm', makeNode('Gemm', ['x', 'w', 'b'], 'y'), [INNER, COLUMNS]],
  ['Gemm with its weights turned', makeNode('Gemm', ['x', 'w', 'b'], 'y', { transB: 1 }), [COLUMNS, INNER]],
])('%s gives nearly the same in whole numbers', async (_, node, dims) => {
  const graph = productGraph(node, dims)
  const { model, products } = quantise(graph)
  expect(products).toBe(1)
  expect(model.nodes.map(({ op }) => op)).toContain('MatMulInteger')
  const [expected, found] = [await run(serialiseOnnx(graph)), await run(serialiseOnnx(model))]
  expect(Math.max(...found.map((value, i) => Math.abs(value - (expected[i] as number))))).toBeLessThan(0.15)
  expect(Buffer.concat(serialiseOnnx(model)).includes(Buffer.from(wave(INNER * COLUMNS, 0.7).buffer))).toBe(false)
})

test.each([
  ['adds up along the other axis', makeNode('Gemm', ['x', 'w', 'b'], 'y', { transA: 1 })],
  ['takes its weights from elsewhere', makeNode('MatMul', ['w', 'x'], 'y')],
])('a product that %s stays as it is', (_, node) => {
  const graph = productGraph(node, [INNER, COLUMNS])
  const { model, products } = quantise(graph)
  expect(products).toBe(0)
  expect(Buffer.concat(serialiseOnnx(model)).equals(Buffer.concat(serialiseOnnx(graph)))).toBe(true)
})

test('weights that the graph lists among its inputs too, as old exports do, need not be given', async () => {
  const node = makeNode('MatMul', ['x', 'w'], 'y')
  const graph = productGraph(node, [INNER, COLUMNS])
  const listed = { ...graph, graph: [...graph.graph, tensorInput('w', FLOAT, [INNER, COLUMNS])] }
  expect(await run(serialiseOnnx(quantise(listed).model))).toEqual(await run(serialiseOnnx(quantise(graph).model)))
})

test('weights beside a graph are quantised like those in it', async () => {
  const { visionFile } = await openModel(await copyTinyModel('tiny-clip', path.join(folder, 'beside')))
  const productsOf = async (name: string) => {
    const file = path.join(folder, name)
    await foldConstants(visionFile, file)
    return quantise(parseOnnx(await readFile(file)))
  }
  const within = await productsOf('within.onnx')
  await putWeightsBeside(visionFile)
  const beside = await productsOf('beside.onnx')
  expect(beside.products).toBeGreaterThan(0)
  expect(beside.products).toBe(within.products)
  expect(Buffer.concat(serialiseOnnx(beside.model)).equals(Buffer.concat(serialiseOnnx(within.model)))).toBe(true)
})

test('what goes into several products is turned into whole numbers once', async () => {
  const model = await openModel(await copyTinyModel('tiny-clip', path.join(folder, 'once')))
  const { nodes } = quantise(parseOnnx(await readFile(model.visionFile))).model
  const count = (op: string) => nodes.filter((node) => node.op === op).length
  // Queries, keys and values, in two layers.
  expect(count('DynamicQuantizeLinear')).toBe(count('MatMulInteger') - 2 * 2)
})

test.each(['tiny-clip', 'tiny-siglip'] as const)('%s embeds nearly as before', async (name) => {
  const model = await openModel(await copyTinyModel(name, path.join(folder, name)))
  const file = path.join(folder, `${name}.onnx`)
  await foldConstants(model.visionFile, file)
  await writeFile(file, serialiseOnnx(quantise(parseOnnx(await readFile(file))).model))
  const { width, height } = model.preprocessing
  const views = [1, 77, 200].map((seed) => Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * seed + (i >> 6)) % 256))
  const [original, quantised] = await Promise.all(
    [model.visionFile, file].map((each) => openVisionSession(each, model, { threads: 1 })),
  )
  const [expected, found] = [await original?.embed(views), await quantised?.embed(views)]
  for (const [index, embedding] of (expected ?? []).entries())
    expect(dot(embedding, found?.[index] as Float32Array)).toBeGreaterThan(0.995)
})
