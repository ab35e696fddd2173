import { expect, test } from 'vitest'
import { embedPatches } from '../../services/worker/clip/graph/embed-patches.ts'
import {
  FLOAT,
  floatsOf,
  initializer,
  makeNode,
  type OnnxModel,
  type OnnxNode,
  tensorInput,
} from '../../services/worker/clip/graph/onnx-model.ts'
import type { Preprocessing } from '../../services/worker/clip/preprocessing.ts'

const preprocessing: Preprocessing = {
  resize: { kind: 'squash' },
  width: 4,
  height: 6,
  resample: 'bicubic',
  rescaleFactor: 0.5,
  mean: [1, 2, 3],
  std: [2, 4, 8],
}
const WEIGHTS = [2, 3, 2, 2]
const convolution = (attributes: Record<string, number | number[]>) =>
  makeNode('Conv', ['pixels', 'weights', 'bias'], 'embedded', { strides: [2, 2], ...attributes })

function modelWith(nodes: OnnxNode[], weights = WEIGHTS): OnnxModel {
  const values = Float32Array.from({ length: weights.reduce((a, b) => a * b) }, (_, i) => i)
  return {
    fields: [],
    graph: [
      tensorInput('pixels', FLOAT, ['batch', 3, 6, 4]),
      initializer('weights', values, weights),
      initializer('bias', Float32Array.of(10, 20), [2]),
    ],
    nodes,
  }
}
const embed = (model: OnnxModel) => embedPatches(model, { input: 'pixels', bytes: 'bytes' }, preprocessing)

test('the normalisation is multiplied into the weights, which are in the order of bytes', () => {
  const embedded = embed(modelWith([convolution({})])) as OnnxModel
  const weights = floatsOf(embedded, 'pixwarden_patches/weights')
  expect(weights?.dims).toEqual([12, 2])
  // Of the first channel: 0 to 3 are red, 4 to 7 green and 8 to 11 blue; of the second channel they are 12 more.
  expect([...(weights?.values ?? [])].slice(0, 8)).toEqual([
    ...[(0 * 0.5) / 2, (12 * 0.5) / 2, (4 * 0.5) / 4, (16 * 0.5) / 4],
    ...[(8 * 0.5) / 8, (20 * 0.5) / 8, (1 * 0.5) / 2, (13 * 0.5) / 2],
  ])
  const moved = (first: number, bias: number) =>
    [0, 1, 2].reduce((sum, colour) => sum - ((4 * (first + 4 * colour) + 6) * (colour + 1)) / 2 ** (colour + 1), bias)
  expect([...(floatsOf(embedded, 'pixwarden_patches/bias')?.values ?? [])]).toEqual([moved(0, 10), moved(12, 20)])
})

test('the convolution and its weights are left out', () => {
  const embedded = embed(modelWith([convolution({}), makeNode('Relu', ['embedded'], 'out')])) as OnnxModel
  expect(embedded.nodes.map(({ op }) => op)).not.toContain('Conv')
  expect(embedded.nodes.at(-1)?.op).toBe('Relu')
  expect([floatsOf(embedded, 'weights'), floatsOf(embedded, 'bias')]).toEqual([undefined, undefined])
})

test('weights that something else takes too are kept', () => {
  const embedded = embed(modelWith([convolution({}), makeNode('Add', ['embedded', 'bias'], 'out')]))
  expect(embedded && floatsOf(embedded, 'bias')?.values).toEqual(Float32Array.of(10, 20))
})

test.each([
  ['overlap', modelWith([convolution({ strides: [1, 1] })])],
  ['have gaps', modelWith([convolution({ dilations: [2, 2] })])],
  ['reach beyond the edge', modelWith([convolution({ pads: [1, 1, 1, 1] })])],
  ['are no squares', modelWith([convolution({})], [2, 3, 2, 4])],
  ['do not fill the picture', modelWith([convolution({ strides: [4, 4] })], [2, 3, 4, 4])],
  ['are not all that is looked at', modelWith([convolution({}), makeNode('Relu', ['pixels'], 'other')])],
  ['are of a picture that something was done to', modelWith([makeNode('Relu', ['pixels'], 'out')])],
])('windows that %s are no patches', (_, model) => {
  expect(embed(model)).toBeUndefined()
})

test('weights that are not in the model as floats are left alone', () => {
  const model = modelWith([convolution({})])
  const graph = [model.graph[0], initializer('weights', new Uint8Array(24), WEIGHTS), model.graph[2]] as OnnxModel['graph']
  expect(embed({ ...model, graph })).toBeUndefined()
})
