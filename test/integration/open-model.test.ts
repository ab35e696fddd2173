import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { dot } from '../../services/core/domain/vector.ts'
import { createImageEncoder } from '../../services/worker/clip/image-encoder.ts'
import { openModel } from '../../services/worker/clip/open-model.ts'
import { createTextEncoder } from '../../services/worker/clip/text-encoder.ts'
import { fixAxis } from '../support/fix-axis.ts'
import { copyTinyModel } from '../support/parity.ts'

let folder: string
let pristine: string
let dir: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'pixwarden-models-'))
  pristine = await copyTinyModel('tiny-clip', path.join(folder, 'pristine'))
})
afterAll(() => rm(folder, { recursive: true }))
beforeEach(async () => {
  dir = path.join(folder, 'my-clip')
  await cp(pristine, dir, { recursive: true })
})
afterEach(() => rm(dir, { recursive: true }))

const file = (name: string) => path.join(dir, name)
async function change(name: string, fields: object): Promise<void> {
  const read = JSON.parse(await readFile(file(name), 'utf8'))
  await writeFile(file(name), JSON.stringify({ ...read, ...fields }))
}
async function ready(): Promise<void> {
  const encoder = createImageEncoder(await openModel(dir), { threads: 1 })
  onTestFinished(() => encoder.close())
  await encoder.ready()
}
async function embed(texts: string[]): Promise<Float32Array[]> {
  return createTextEncoder(await openModel(dir), { threads: 1 }).embed(texts)
}
const invalid = (...parts: (string | RegExp)[]) =>
  expect.objectContaining({ code: 'invalid-model', message: expect.stringMatching(parts.map((part) => `${part}`).join('.*')) })

describe('a model is called by its folder', () => {
  test('an id is a folder under models/', async () => {
    expect(await openModel('embedded')).toMatchObject({ id: 'embedded', scoring: { id: 'embedded' } })
  })

  test('any other folder is named by its path', async () => {
    expect(await openModel(`${path.relative('.', dir)}/`)).toMatchObject({ id: 'my-clip', dir })
  })

  test('an unknown name says what there is', async () => {
    await expect(openModel('clip-vit-huge')).rejects.toEqual(invalid('clip-vit-huge', 'embedded'))
    await expect(openModel(`${folder}/nowhere`)).rejects.toEqual(invalid('nowhere'))
  })
})

describe('the revision tells models apart', () => {
  test('it is the same for a copy, and another when any file differs', async () => {
    const { revision } = await openModel(dir)
    expect(revision).toMatch(/^[0-9a-f]{64}$/)
    expect(revision).toBe((await openModel(pristine)).revision)
    const seen = new Set([revision])
    const graph = await readFile(file('onnx/text_model.onnx'))
    graph[graph.length - 100] = 1 + (graph.at(-100) as number)
    await writeFile(file('onnx/text_model.onnx'), graph)
    seen.add((await openModel(dir)).revision)
    await writeFile(file('calibration.json'), '{ "background_cosine": 0.2 }')
    seen.add((await openModel(dir)).revision)
    await writeFile(file('onnx/vision_model.onnx_data'), 'weights')
    seen.add((await openModel(dir)).revision)
    expect(seen.size).toBe(4)
  })
})

describe('a folder that is not a model says why, by file and field', () => {
  for (const name of ['config.json', 'tokenizer_config.json', 'onnx/text_model.onnx'])
    test(`without ${name}`, async () => {
      await rm(file(name))
      await expect(openModel(dir)).rejects.toEqual(invalid(name))
    })

  test('a file that is not JSON', async () => {
    await writeFile(file('config.json'), '{')
    await expect(openModel(dir)).rejects.toEqual(invalid('config.json', 'not JSON'))
  })

  test('a field of the wrong kind', async () => {
    await change('config.json', { text_config: { max_position_embeddings: 'many' } })
    await expect(openModel(dir)).rejects.toEqual(invalid('config.json', 'text_config', 'max_position_embeddings'))
  })

  test('pictures of another size than the model was made for', async () => {
    await change('preprocessor_config.json', { size: 336, crop_size: 336 })
    await expect(openModel(dir)).rejects.toEqual(invalid('preprocessor_config.json', '336', 'image_size is 224'))
  })

  test('no limit to the length of a prompt', async () => {
    await change('config.json', { text_config: {} })
    await change('tokenizer_config.json', { model_max_length: 1e30 })
    await expect(openModel(dir)).rejects.toEqual(invalid('tokenizer_config.json', 'model_max_length'))
  })

  test('a SigLIP model without scale and bias is opened with a warning', async () => {
    await copyTinyModel('tiny-siglip', dir)
    const { scoring, warnings } = await openModel(dir)
    expect(warnings).toEqual([expect.stringMatching(/logit_scale and logit_bias .*calibration\.json/)])
    expect(scoring).toMatchObject({ logitScale: 100, logitBias: undefined })
  })
})

describe('graphs that are not what the files say are refused when they are loaded', () => {
  test('a damaged graph', async () => {
    await writeFile(file('onnx/vision_model.onnx'), 'not a graph')
    await expect(ready()).rejects.toEqual(invalid('vision_model.onnx', 'cannot be loaded'))
  })

  test('the two graphs in each other’s place', async () => {
    await cp(file('onnx/text_model.onnx'), file('x'))
    await cp(file('onnx/vision_model.onnx'), file('onnx/text_model.onnx'))
    await cp(file('x'), file('onnx/vision_model.onnx'))
    await expect(ready()).rejects.toEqual(
      invalid('vision_model.onnx', 'float32 or float16 \\[batch, 3, height, width\\]', 'input_ids'),
    )
    await expect(embed(['a cat'])).rejects.toEqual(invalid('text_model.onnx', 'input_ids', 'pixel_values'))
  })

  test('embeddings of another length than config.json says', async () => {
    await change('config.json', { projection_dim: 512 })
    await expect(ready()).rejects.toEqual(invalid('image_embeds has 32 values', '512'))
    await expect(embed(['a cat'])).rejects.toEqual(invalid('text_embeds has 32 values', '512'))
  })

  test('a graph for pictures of one other size', async () => {
    await fixAxis(file('onnx/vision_model.onnx'), 'height', 96)
    await expect(ready()).rejects.toEqual(invalid('vision_model.onnx', '96', '224 × 224'))
  })

  test('a tokenizer of no known kind', async () => {
    await change('tokenizer.json', { model: { type: 'Telepathy' } })
    await expect(embed(['a cat'])).rejects.toEqual(invalid('tokenizer.json'))
  })
})

describe('graphs of a fixed shape give the same embeddings', () => {
  const texts = ['a cat', 'a photo of a dog', 'a dog', 'a tree', 'a house in the rain']

  test('prompts', async () => {
    const free = await embed(texts)
    await fixAxis(file('onnx/text_model.onnx'), 'batch_size', 2)
    await fixAxis(file('onnx/text_model.onnx'), 'sequence_length', 77)
    const fixed = await embed(texts)
    for (const [index, text] of texts.entries())
      expect(dot(free[index] as Float32Array, fixed[index] as Float32Array), text).toBeGreaterThan(0.999999)
  })

  test('pictures', async () => {
    const views = () => [10, 120, 250].map((grey) => new Uint8Array(224 * 224 * 3).fill(grey))
    const free = createImageEncoder(await openModel(dir), { threads: 1 })
    onTestFinished(() => free.close())
    const wanted = await free.encode(views())
    await fixAxis(file('onnx/vision_model.onnx'), 'batch_size', 2)
    const fixed = createImageEncoder(await openModel(dir), { threads: 1 })
    onTestFinished(() => fixed.close())
    for (const [index, embedding] of (await fixed.encode(views())).entries())
      expect(dot(embedding, wanted[index] as Float32Array)).toBeGreaterThan(0.999999)
  })
})
