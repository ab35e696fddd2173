import { cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { dot } from '../../services/core/domain/vector.ts'
import { type ModelManifest, writeManifest } from '../../services/core/infra/hub/model-manifest.ts'
import { createImageEncoder } from '../../services/worker/clip/image-encoder.ts'
import { type Model, openModel } from '../../services/worker/clip/open-model.ts'
import { createTextEncoder } from '../../services/worker/clip/text-encoder.ts'
import { openTokenizer } from '../../services/worker/clip/tokenizer.ts'
import { copyImmichModel } from '../support/immich-model.ts'
import { copyTinyModel, readGolden } from '../support/parity.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'pixwarden-layouts-'))
})
afterEach(() => rm(folder, { recursive: true }))

const invalid = (...parts: string[]) =>
  expect.objectContaining({ code: 'invalid-model', message: expect.stringMatching(new RegExp(parts.join('.*'))) })
const MANIFEST: ModelManifest = {
  format: 1,
  id: 'siglip-tiny',
  repo: 'me/siglip',
  commit: 'a'.repeat(40),
  dtype: 'fp32',
  settings: { logit_scale: 117.3, logit_bias: -12.9 },
  files: [],
}

async function edit(file: string, fields: object): Promise<void> {
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), ...fields }))
}

async function embedImages(model: Model, views: Uint8Array[]): Promise<Float32Array[]> {
  const encoder = createImageEncoder(model, { threads: 1 })
  onTestFinished(() => encoder.close())
  return encoder.encode(views.map((view) => view.slice()))
}

describe("immich's layout", () => {
  test('gives the embeddings of the same weights in the other layout', async () => {
    const immich = await openModel(await copyImmichModel(path.join(folder, 'immich')))
    const usual = await openModel(await copyTinyModel('tiny-clip', path.join(folder, 'usual')))
    expect(immich).toMatchObject({ id: 'immich', embeddingSize: 32, warnings: [], preprocessing: usual.preprocessing })
    expect(immich.scoring).toMatchObject({ logitScale: 100, logitBias: undefined })

    const texts = (await readGolden('clip')).prompts.map(({ text }) => text)
    const [ours, reference] = await Promise.all(
      [immich, usual].map((model) => createTextEncoder(model, { threads: 1 }).embed(texts)),
    )
    for (const [index, text] of texts.entries())
      expect(dot(ours?.[index] as Float32Array, reference?.[index] as Float32Array), text).toBeGreaterThan(0.999999)

    const views = [10, 120, 250].map((seed) => Uint8Array.from({ length: 224 * 224 * 3 }, (_, i) => (i * seed) % 256))
    const [mine, theirs] = await Promise.all([immich, usual].map((model) => embedImages(model, views)))
    for (const [index] of views.entries())
      expect(dot(mine?.[index] as Float32Array, theirs?.[index] as Float32Array)).toBeGreaterThan(0.999999)
  })

  test("is read as SigLIP's where its configuration says so: squashed, canonical prompts, a bias to be told", async () => {
    const dir = await copyImmichModel(path.join(folder, 'siglip'))
    await edit(path.join(dir, 'visual/preprocess_cfg.json'), { resize_mode: 'squash' })
    await edit(path.join(dir, 'config.json'), {
      init_logit_bias: -10,
      text_cfg: { context_length: 64, tokenizer_kwargs: { clean: 'canonicalize' } },
    })
    const model = await openModel(dir)
    expect(model.preprocessing.resize).toEqual({ kind: 'squash' })
    expect(model.text).toMatchObject({ maxLength: 64, padding: 'max-length', cleanUp: 'canonical' })
    expect(model.warnings).toEqual([expect.stringContaining('logit_bias')])
    const tokenizer = await openTokenizer(model.text)
    expect(tokenizer.encode("A  photo, of_a 'Cat'!").ids).toEqual(tokenizer.encode('a photo of a cat').ids)
  })

  test.each([
    ['visual/preprocess_cfg.json', { resize_mode: 'longest' }, 'resize_mode'],
    ['visual/preprocess_cfg.json', { size: [224, 112] }, 'must be square'],
    ['visual/preprocess_cfg.json', { size: 336 }, 'pictures of 336 × 336'],
    ['config.json', { embed_dim: undefined }, 'embed_dim'],
  ])('says what is wrong in %s: %s', async (name, fields, problem) => {
    const dir = await copyImmichModel(path.join(folder, 'immich'))
    await edit(path.join(dir, name), fields)
    await expect(openModel(dir)).rejects.toEqual(invalid(path.basename(name), problem))
  })

  test('says which file is missing', async () => {
    const dir = await copyImmichModel(path.join(folder, 'immich'))
    await rm(path.join(dir, 'textual/model.onnx'))
    await expect(openModel(dir)).rejects.toEqual(invalid('has no textual/model.onnx'))
  })
})

describe('graphs in another dtype', () => {
  test('are found by their suffix where they are the only ones', async () => {
    const dir = await copyTinyModel('tiny-clip', path.join(folder, 'clip'))
    for (const side of ['vision', 'text'])
      await rename(path.join(dir, `onnx/${side}_model.onnx`), path.join(dir, `onnx/${side}_model_quantized.onnx`))
    const model = await openModel(dir)
    expect([model.visionFile, model.text.file].map((file) => path.basename(file))).toEqual([
      'vision_model_quantized.onnx',
      'text_model_quantized.onnx',
    ])
    expect(await createTextEncoder(model, { threads: 1 }).embed(['a cat'])).toHaveLength(1)
  })

  test('leave the plain ones their place, and are refused where there are several', async () => {
    const dir = await copyTinyModel('tiny-clip', path.join(folder, 'clip'))
    const vision = (suffix: string) => path.join(dir, `onnx/vision_model${suffix}.onnx`)
    await cp(vision(''), vision('_fp16'))
    expect(path.basename((await openModel(dir)).visionFile)).toBe('vision_model.onnx')
    await rename(vision(''), vision('_quantized'))
    await expect(openModel(dir)).rejects.toEqual(invalid('vision side as fp16, q8', 'keep one'))
  })
})

describe('a pulled model', () => {
  const pulled = async (manifest: object = {}) => {
    const dir = await copyTinyModel('tiny-siglip', path.join(folder, 'models/siglip-tiny-q8'))
    await writeManifest(dir, { ...MANIFEST, ...manifest })
    return dir
  }

  test("is found by its folder's name, and has the id, scale and bias of its manifest", async () => {
    const dir = await pulled()
    const model = await openModel('siglip-tiny-q8', { modelsDir: path.join(folder, 'models') })
    expect(model).toMatchObject({ dir, id: 'siglip-tiny', warnings: [] })
    expect(model.scoring).toMatchObject({ id: 'siglip-tiny', logitScale: 117.3, logitBias: -12.9 })
  })

  test('goes before a shipped one of the same name', async () => {
    const dir = await copyTinyModel('tiny-clip', path.join(folder, 'models/embedded'))
    expect(await openModel('embedded', { modelsDir: path.join(folder, 'models') })).toMatchObject({ dir })
  })

  test("may have a calibration of one's own, which counts more", async () => {
    const dir = await pulled()
    await writeFile(path.join(dir, 'calibration.json'), '{ "logit_bias": -14, "background_cosine": 0.1 }')
    expect((await openModel(dir)).scoring).toMatchObject({ logitScale: 117.3, logitBias: -14, backgroundCosine: 0.1 })
  })

  test('is told how its prompts are written', async () => {
    const dir = await pulled({ settings: { padding: 'none', lower_case: true } })
    const { text } = await openModel(dir)
    expect(text).toMatchObject({ padding: 'none', cleanUp: 'lower-case' })
  })

  test('has another revision than one with other settings', async () => {
    const dir = await pulled()
    const { revision } = await openModel(dir)
    await writeManifest(dir, { ...MANIFEST, settings: { logit_scale: 100 } })
    expect((await openModel(dir)).revision).not.toBe(revision)
  })

  test('that is not here is asked for by the command that fetches it', async () => {
    await expect(openModel('clip-vit-b32', { modelsDir: folder })).rejects.toEqual(
      invalid('not here yet', 'model pull clip-vit-b32$'),
    )
    await expect(openModel('clip-vit-b32-q8')).rejects.toEqual(invalid('model pull clip-vit-b32 --dtype q8$'))
  })
})
