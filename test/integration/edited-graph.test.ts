import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { dot } from '../../services/core/domain/vector.ts'
import { cutLastLayer } from '../../services/worker/clip/graph/cut-last-layer.ts'
import { editVisionGraph } from '../../services/worker/clip/graph/edit-vision-graph.ts'
import {
  FLOAT,
  initializer,
  makeNode,
  onlyOutput,
  parseOnnx,
  serialiseOnnx,
  tensorInput,
} from '../../services/worker/clip/graph/onnx-model.ts'
import { integer, message, text } from '../../services/worker/clip/graph/wire-format.ts'
import { type Model, openModel } from '../../services/worker/clip/open-model.ts'
import { openVision } from '../../services/worker/clip/open-vision.ts'
import { openVisionSession, type VisionSession } from '../../services/worker/clip/vision-session.ts'
import { copyImmichModel } from '../support/immich-model.ts'
import { copyTinyModel } from '../support/parity.ts'

let folder: string
let graphDir: string
const models: Record<string, Model> = {}
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'pixwarden-graphs-'))
  models.embedded = await openModel('embedded')
  models.immich = await openModel(await copyImmichModel(path.join(folder, 'immich')))
  for (const name of ['tiny-clip', 'tiny-siglip'] as const)
    models[name] = await openModel(await copyTinyModel(name, path.join(folder, name)))
})
beforeEach(async () => {
  graphDir = await mkdtemp(path.join(folder, 'graphs-'))
})
afterAll(() => rm(folder, { recursive: true }))

const viewsFor = ({ preprocessing: { width, height } }: Model) =>
  [1, 77, 200].map((seed) => Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * seed + (i >> 6)) % 256))

const modelOf = (name: string) => models[name] as Model
const openOriginal = (model: Model) => openVisionSession(model.visionFile, model, { threads: 1 })
const cosines = async (model: Model, a: VisionSession, b: VisionSession) => {
  const [one, other] = [await a.embed(viewsFor(model)), await b.embed(viewsFor(model))]
  return one.map((embedding, index) => dot(embedding, other[index] as Float32Array))
}

test.each(['embedded', 'tiny-clip', 'tiny-siglip', 'immich'])('every edit of %s embeds as the original does', async (name) => {
  const model = modelOf(name)
  const original = await openOriginal(model)
  const edits = [...editVisionGraph(await readFile(model.visionFile), model)]
  expect(edits.length).toBeGreaterThan(0)
  for (const { graph } of edits) {
    const file = path.join(graphDir, 'edited.onnx')
    await writeFile(file, graph)
    const edited = await openVisionSession(file, model, { threads: 1 })
    for (const cosine of await cosines(model, original, edited)) expect(cosine).toBeGreaterThan(0.999999)
    await edited.release()
  }
  await original.release()
})

test.each(['tiny-clip', 'tiny-siglip', 'immich'])(
  '%s adds no bias to keys and values, of which it has two layers',
  async (name) => {
    const additions = (graph: Buffer) => parseOnnx(graph).nodes.filter(({ op }) => op === 'Add').length
    const model = modelOf(name)
    const edits = [...editVisionGraph(await readFile(model.visionFile), model)]
    const [moved, before] = [edits.find(({ name }) => name === 'bytes, biases moved'), edits.find(({ name }) => name === 'bytes')]
    expect(additions(Buffer.concat(moved?.graph ?? []))).toBe(additions(Buffer.concat(before?.graph ?? [])) - 4)
  },
)

test('where a picture is cut into patches, no convolution is left', async () => {
  const convolutions = async (name: string) => {
    const [edit] = editVisionGraph(await readFile(modelOf(name).visionFile), modelOf(name))
    return parseOnnx(Buffer.concat(edit?.graph ?? [])).nodes.filter(({ op }) => op === 'Conv').length
  }
  expect(await Promise.all(['tiny-clip', 'tiny-siglip', 'immich'].map(convolutions))).toEqual([0, 0, 0])
  expect(await convolutions('embedded')).toBeGreaterThan(1)
})

test('a model that is written as it was read is the same, byte for byte', async () => {
  const file = await readFile(modelOf('tiny-clip').visionFile)
  expect(Buffer.concat(serialiseOnnx(parseOnnx(file))).equals(file)).toBe(true)
})

test('the last layer of a transformer is cut after its attention, and of nothing else', async () => {
  const model = parseOnnx(await readFile(modelOf('tiny-clip').visionFile))
  const cut = cutLastLayer(onlyOutput(model, 'image_embeds'))
  const slices = cut?.nodes.filter(({ outputs }) => outputs[0]?.startsWith('pixwarden_first_token'))
  expect(slices?.map(({ inputs }) => inputs[0])).toEqual([
    expect.stringContaining('layers.1/self_attn/Reshape_7'),
    expect.stringContaining('layers.0/Add_1'),
  ])
  expect(cutLastLayer(parseOnnx(await readFile(modelOf('embedded').visionFile)))).toBeUndefined()
})

describe('a model that is opened', () => {
  test('is edited once: the next start takes the graph that was kept', async () => {
    const model = modelOf('tiny-clip')
    const first = await openVision(model, { threads: 1, graphDir })
    const [kept = ''] = await readdir(graphDir)
    const before = await stat(path.join(graphDir, kept))
    const second = await openVision(model, { threads: 1, graphDir })
    expect(await readdir(graphDir)).toEqual([kept])
    expect(await stat(path.join(graphDir, kept))).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs })
    for (const cosine of await cosines(model, first, second)) expect(cosine).toBeGreaterThan(0.999999)
  })

  test('is edited again when what was kept is damaged', async () => {
    const model = modelOf('tiny-clip')
    await (await openVision(model, { threads: 1, graphDir })).release()
    const [kept = ''] = await readdir(graphDir)
    const { size } = await stat(path.join(graphDir, kept))
    await truncate(path.join(graphDir, kept), Math.floor(size / 2))
    const session = await openVision(model, { threads: 1, graphDir })
    expect(await session.embed(viewsFor(model))).toHaveLength(3)
    expect((await stat(path.join(graphDir, kept))).size).toBe(size)
  })

  test('leaves nothing behind of workers that died while they tried a graph, and nothing is taken from those that try one', async () => {
    const [left, tried] = [path.join(graphDir, `a.onnx.${randomUUID()}`), path.join(graphDir, `a.onnx.${randomUUID()}`)]
    for (const file of [left, tried]) await writeFile(file, 'a graph')
    const anHourAgo = new Date(Date.now() - 3_600_000)
    await utimes(left, anHourAgo, anHourAgo)
    const model = modelOf('tiny-clip')
    await (await openVision(model, { threads: 1, graphDir })).release()
    expect(new Set(await readdir(graphDir))).toEqual(new Set([path.basename(tried), `${model.revision}-3.onnx`]))
  })

  test('is edited though what is swept goes away meanwhile', async () => {
    const gone = `a.onnx.${randomUUID()}`
    await symlink('nowhere', path.join(graphDir, gone))
    const model = modelOf('tiny-clip')
    await (await openVision(model, { threads: 1, graphDir })).release()
    expect(new Set(await readdir(graphDir))).toEqual(new Set([gone, `${model.revision}-3.onnx`]))
  })

  test('works where nothing can be kept', async () => {
    const file = path.join(graphDir, 'a-file')
    await writeFile(file, '')
    const model = modelOf('tiny-clip')
    const session = await openVision(model, { threads: 1, graphDir: path.join(file, 'no-folder') })
    expect(await session.embed(viewsFor(model))).toHaveLength(3)
  })

  test('is not cut where its tokens are mixed after all', async () => {
    const model = { ...modelOf('tiny-clip'), embeddingSize: 3, revision: 'mixed', visionFile: path.join(graphDir, 'mixed.onnx') }
    await writeFile(model.visionFile, mixingGraph())
    const kept = path.join(graphDir, 'kept')
    await mkdir(kept)
    const edits = [...editVisionGraph(await readFile(model.visionFile), model)]
    expect(edits.map(({ name }) => name)).toEqual(['bytes, last layer cut', 'bytes'])
    const [original, opened] = [await openOriginal(model), await openVision(model, { threads: 1, graphDir: kept })]
    for (const cosine of await cosines(model, original, opened)) expect(cosine).toBeGreaterThan(0.999999)
    expect(await readFile(path.join(kept, (await readdir(kept))[0] ?? ''))).toEqual(Buffer.concat(edits[1]?.graph ?? []))
  })
})

test('a model of which no edit agrees with the original runs as it came, and is not compared again at the next start', async () => {
  const model = { ...modelOf('tiny-clip'), embeddingSize: 3, revision: 'drawn', visionFile: path.join(graphDir, 'drawn.onnx') }
  await writeFile(model.visionFile, drawingGraph())
  const kept = path.join(graphDir, 'kept')
  await (await openVision(model, { threads: 1, graphDir: kept })).release()
  const before = await stat(kept)
  const session = await openVision(model, { threads: 1, graphDir: kept })
  expect(await session.embed(viewsFor(model))).toHaveLength(3)
  // A file comes and goes where an edit is tried.
  expect((await stat(kept)).mtimeMs).toBe(before.mtimeMs)
  expect(await readdir(kept)).toEqual(['drawn-3.onnx.refused-cpu'])
})

/** A model whose embeddings are drawn by lot. */
function drawingGraph(): Buffer[] {
  return serialiseOnnx({
    fields: [integer(1, 8), { number: 7, kind: 'bytes', value: Buffer.alloc(0) }, message(8, [integer(2, 17)])],
    graph: [
      text(2, 'drawing'),
      tensorInput('pixel_values', FLOAT, ['batch', 3, 224, 224]),
      { ...tensorInput('image_embeds', FLOAT, ['batch', 3]), number: 12 },
    ],
    nodes: [
      makeNode('ReduceMean', ['pixel_values'], 'means', { axes: [2, 3], keepdims: 0 }),
      makeNode('RandomNormalLike', ['means'], 'image_embeds'),
    ],
  })
}

/** Tokens are the rows of a picture, and each has the mean of all subtracted: an operator that works token by token in other models, along another axis. */
function mixingGraph(): Buffer[] {
  const number = (name: string, value: bigint, dims: number[]) => initializer(name, BigInt64Array.of(value), dims)
  const output = { ...tensorInput('image_embeds', FLOAT, ['batch', 3]), number: 12 }
  return serialiseOnnx({
    fields: [integer(1, 8), { number: 7, kind: 'bytes', value: Buffer.alloc(0) }, message(8, [integer(2, 17)])],
    graph: [
      text(2, 'mixing'),
      number('zero', 0n, []),
      initializer('shape', BigInt64Array.of(0n, 3n, -1n), [3]),
      tensorInput('pixel_values', FLOAT, ['batch', 3, 224, 224]),
      output,
    ],
    nodes: [
      makeNode('Reshape', ['pixel_values', 'shape'], 'planes'),
      makeNode('Transpose', ['planes'], 'tokens', { perm: [0, 2, 1] }),
      makeNode('ReduceMean', ['tokens'], 'mean', { axes: [1], keepdims: 1 }),
      makeNode('Sub', ['tokens', 'mean'], 'mixed'),
      makeNode('Gather', ['mixed', 'zero'], 'image_embeds', { axis: 1 }),
    ],
  })
}
