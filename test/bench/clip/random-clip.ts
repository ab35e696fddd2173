import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { FLOAT, INT64 } from '../../../services/worker/clip/graph/onnx-model.ts'
import { copyTinyModel } from '../../support/parity.ts'
import { GraphBuilder } from './graph-builder.ts'

/** How weights are kept: as float32, or as int8 with a scale for each column, as the hub's quantised exports are. */
export type Weights = 'fp32' | 'q8'

type Tower = { width: number; layers: number; heads: number; hidden: number }

const IMAGE = 224
const PATCH = 32
const TOKENS = (IMAGE / PATCH) ** 2 + 1
const PROJECTION = 512
const VISION: Tower = { width: 768, layers: 12, heads: 12, hidden: 3072 }
const TEXT: Tower = { width: 512, layers: 12, heads: 8, hidden: 2048 }
const CONTEXT = 77
const VOCABULARY = 49_408

/** Multiplications with an addition that embedding one picture takes: those of the matrix products. */
export function visionMacs(): number {
  const { width, layers, hidden } = VISION
  const perLayer = 4 * TOKENS * width ** 2 + 2 * TOKENS * width * hidden + 2 * TOKENS ** 2 * width
  return layers * perLayer + (TOKENS - 1) * 3 * PATCH ** 2 * width + width * PROJECTION
}

/**
 * Writes CLIP ViT-B/32 with random weights as a folder of the hub's layout, in the graph that its exports have: nothing is known to it, but it costs what the
 * real one costs. `fp32` are `vision_model.onnx` and so on, `q8` the files with `_quantized`.
 */
export async function writeRandomClip(dir: string): Promise<void> {
  await copyTinyModel('tiny-clip', dir)
  const tower = ({ width, layers, heads, hidden }: Tower) => ({
    hidden_size: width,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    intermediate_size: hidden,
  })
  const config = {
    architectures: ['CLIPModel'],
    model_type: 'clip',
    projection_dim: PROJECTION,
    text_config: {
      model_type: 'clip_text_model',
      ...tower(TEXT),
      vocab_size: VOCABULARY,
      max_position_embeddings: CONTEXT,
    },
    vision_config: { model_type: 'clip_vision_model', ...tower(VISION), image_size: IMAGE, patch_size: PATCH },
  }
  await writeFile(path.join(dir, 'config.json'), JSON.stringify(config))
  for (const [weights, suffix] of [
    ['fp32', ''],
    ['q8', '_quantized'],
  ] as const) {
    await writeFile(path.join(dir, `onnx/vision_model${suffix}.onnx`), visionGraph(weights))
    await writeFile(path.join(dir, `onnx/text_model${suffix}.onnx`), textGraph(weights))
    await writeFile(path.join(dir, `onnx/model${suffix}.onnx`), wholeGraph(weights))
  }
}

/** A copy of such a folder whose main files are the quantised ones. */
export async function asQuantised(dir: string, to: string): Promise<void> {
  await mkdir(path.join(to, 'onnx'), { recursive: true })
  for (const file of ['config.json', 'preprocessor_config.json', 'tokenizer.json', 'tokenizer_config.json'])
    await copyFile(path.join(dir, file), path.join(to, file))
  for (const side of ['vision', 'text'])
    await copyFile(path.join(dir, `onnx/${side}_model_quantized.onnx`), path.join(to, `onnx/${side}_model.onnx`))
}

/** Products of one run of `productGraph`. */
export const PRODUCTS = 12

/**
 * Matrix products and nothing else, one after the other: of [rows, inner] with [inner, columns], and back; their rate is what this machine can do. All that leaves the
 * runtime is a mean for each row: handing over a matrix takes as long as a tenth of the work of making it.
 */
export function productGraph({ rows, inner, columns }: { rows: number; inner: number; columns: number }): Buffer[] {
  const graph = new GraphBuilder()
  let x = graph.input('x', FLOAT, [rows, inner])
  const [there, back] = [
    graph.weights([inner, columns], 1 / Math.sqrt(inner)),
    graph.weights([columns, inner], 1 / Math.sqrt(columns)),
  ]
  for (let pair = 0; pair < PRODUCTS / 2; pair++) x = graph.op('MatMul', [graph.op('MatMul', [x, there]), back])
  graph.output('y', graph.op('ReduceMean', [x], { axes: [1] }), FLOAT, [rows, 1])
  return graph.build()
}

function visionGraph(weights: Weights): Buffer[] {
  const graph = new GraphBuilder()
  const pixels = graph.input('pixel_values', FLOAT, ['batch', 3, IMAGE, IMAGE])
  graph.output('image_embeds', addVision(graph, pixels, weights), FLOAT, ['batch', PROJECTION])
  return graph.build()
}

function textGraph(weights: Weights): Buffer[] {
  const graph = new GraphBuilder()
  const ids = graph.input('input_ids', INT64, ['batch', 'length'])
  graph.output('text_embeds', addText(graph, ids, weights), FLOAT, ['batch', PROJECTION])
  return graph.build()
}

/** Both sides in one, as the zero-shot pipeline of transformers.js runs them. */
function wholeGraph(weights: Weights): Buffer[] {
  const graph = new GraphBuilder()
  const ids = graph.input('input_ids', INT64, ['texts', 'length'])
  const pixels = graph.input('pixel_values', FLOAT, ['batch', 3, IMAGE, IMAGE])
  graph.input('attention_mask', INT64, ['texts', 'length'])
  const image = addUnit(graph, addVision(graph, pixels, weights))
  const texts = addUnit(graph, addText(graph, ids, weights))
  const logits = graph.op('Mul', [
    graph.op('MatMul', [texts, graph.op('Transpose', [image], { perm: [1, 0] })]),
    graph.scalar(100),
  ])
  graph.output('logits_per_image', graph.op('Transpose', [logits], { perm: [1, 0] }), FLOAT, ['batch', 'texts'])
  graph.output('logits_per_text', logits, FLOAT, ['texts', 'batch'])
  graph.output('text_embeds', texts, FLOAT, ['texts', PROJECTION])
  graph.output('image_embeds', image, FLOAT, ['batch', PROJECTION])
  return graph.build()
}

function addVision(graph: GraphBuilder, pixels: string, weights: Weights): string {
  const { width } = VISION
  const patches = graph.op('Conv', [pixels, graph.weights([width, 3, PATCH, PATCH], 0.02)], {
    strides: [PATCH, PATCH],
    kernel_shape: [PATCH, PATCH],
  })
  const rows = graph.op('Transpose', [graph.op('Reshape', [patches, graph.numbers(0, width, TOKENS - 1)])], { perm: [0, 2, 1] })
  const batch = graph.op('Slice', [graph.op('Shape', [pixels]), graph.numbers(0), graph.numbers(1)])
  const first = graph.op('Expand', [
    graph.weights([1, 1, width], 0.02),
    graph.op('Concat', [batch, graph.numbers(1, width)], { axis: 0 }),
  ])
  const placed = graph.op('Add', [graph.op('Concat', [first, rows], { axis: 1 }), graph.weights([1, TOKENS, width], 0.02)])
  const hidden = addLayers(graph, addNorm(graph, placed, width), VISION, weights)
  const token = graph.op('Gather', [hidden, graph.constant(BigInt64Array.of(0n), [])], { axis: 1 })
  return graph.op('MatMul', [addNorm(graph, token, width), graph.weights([width, PROJECTION], 0.03)])
}

function addText(graph: GraphBuilder, ids: string, weights: Weights): string {
  const { width } = TEXT
  const length = graph.op('Slice', [graph.op('Shape', [ids]), graph.numbers(1), graph.numbers(2)])
  const upTo = (value: string, axis: number) => graph.op('Slice', [value, graph.numbers(0), length, graph.numbers(axis)])
  const tokens = graph.op('Gather', [graph.weights([VOCABULARY, width], 0.02), ids], { axis: 0 })
  const placed = graph.op('Add', [tokens, upTo(graph.weights([CONTEXT, width], 0.02), 0)])
  const future = Float32Array.from({ length: CONTEXT ** 2 }, (_, i) => (i % CONTEXT > Math.floor(i / CONTEXT) ? -1e9 : 0))
  const mask = upTo(upTo(graph.constant(future, [CONTEXT, CONTEXT]), 0), 1)
  const hidden = addNorm(graph, addLayers(graph, placed, TEXT, weights, mask), width)
  const last = graph.op('Gather', [hidden, graph.constant(BigInt64Array.of(-1n), [])], { axis: 1 })
  return graph.op('MatMul', [last, graph.weights([width, PROJECTION], 0.03)])
}

function addLayers(graph: GraphBuilder, tokens: string, tower: Tower, weights: Weights, mask?: string): string {
  const { width, heads, hidden, layers } = tower
  const size = width / heads
  const split = (value: string, perm: number[]) =>
    graph.op('Transpose', [graph.op('Reshape', [value, graph.numbers(0, -1, heads, size)])], { perm })
  let x = tokens
  for (let layer = 0; layer < layers; layer++) {
    const before = addNorm(graph, x, width)
    const project = () => addLinear(graph, before, width, width, weights)
    const queries = split(graph.op('Mul', [project(), graph.scalar(1 / Math.sqrt(size))]), [0, 2, 1, 3])
    const products = graph.op('MatMul', [queries, split(project(), [0, 2, 3, 1])])
    const shares = graph.op('Softmax', [mask === undefined ? products : graph.op('Add', [products, mask])], { axis: 3 })
    const seen = graph.op('Transpose', [graph.op('MatMul', [shares, split(project(), [0, 2, 1, 3])])], { perm: [0, 2, 1, 3] })
    const attended = graph.op('Reshape', [seen, graph.numbers(0, -1, width)])
    x = graph.op('Add', [x, addLinear(graph, attended, width, width, weights)])
    const inner = addLinear(graph, addNorm(graph, x, width), width, hidden, weights)
    const active = graph.op('Mul', [inner, graph.op('Sigmoid', [graph.op('Mul', [inner, graph.scalar(1.702)])])])
    x = graph.op('Add', [x, addLinear(graph, active, hidden, width, weights)])
  }
  return x
}

function addLinear(graph: GraphBuilder, x: string, from: number, to: number, weights: Weights): string {
  const product =
    weights === 'fp32' ? graph.op('MatMul', [x, graph.weights([from, to], 0.02)]) : addQuantisedProduct(graph, x, from, to)
  return graph.op('Add', [product, graph.weights([to], 0.01)])
}

/** Deviations from the mean that a byte reaches to. */
const WIDEST = 4.5

/** As onnxruntime's dynamic quantisation writes it, which it then runs as one. */
function addQuantisedProduct(graph: GraphBuilder, x: string, from: number, to: number): string {
  const weights = graph.normal(from * to)
  const rounded = new Int8Array(weights.length)
  for (let i = 0; i < rounded.length; i++) rounded[i] = Math.max(-127, Math.min(127, (127 / WIDEST) * (weights[i] as number)))
  const scales = new Float32Array(to).fill((0.02 * WIDEST) / 127)
  const [bytes = '', scale = '', zero = ''] = graph.opOf(3, 'DynamicQuantizeLinear', [x])
  const zeros = graph.constant(new Int8Array(to), [to])
  const product = graph.op('MatMulInteger', [bytes, graph.constant(rounded, [from, to]), zero, zeros])
  const factor = graph.op('Mul', [scale, graph.constant(scales, [to])])
  return graph.op('Mul', [graph.op('Cast', [product], { to: FLOAT }), factor])
}

function addNorm(graph: GraphBuilder, x: string, width: number): string {
  const ones = graph.constant(new Float32Array(width).fill(1), [width])
  return graph.op('LayerNormalization', [x, ones, graph.constant(new Float32Array(width), [width])], { axis: -1 })
}

function addUnit(graph: GraphBuilder, x: string): string {
  return graph.op('Div', [x, graph.op('ReduceL2', [x], { axes: [1], keepdims: 1 })])
}
