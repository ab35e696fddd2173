import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { sigmoidScore, softmaxScore } from '../../services/core/domain/score.ts'
import { dot, normalise } from '../../services/core/domain/vector.ts'
import { packageRoot } from '../../services/core/infra/package-root.ts'
import { createImageEncoder, type ImageEncoder } from '../../services/worker/clip/image-encoder.ts'
import { type Model, openModel } from '../../services/worker/clip/open-model.ts'
import { fillPlanes, normalisationTables } from '../../services/worker/clip/pixels-to-tensor.ts'
import { createTextEncoder } from '../../services/worker/clip/text-encoder.ts'
import { openTextSession } from '../../services/worker/clip/text-session.ts'
import { openTokenizer } from '../../services/worker/clip/tokenizer.ts'
import { copyTinyModel, cropFile, readGolden } from '../support/parity.ts'

/** Largest difference between a unit embedding and a reference, which has its own length. */
function largestDifference(unit: Float32Array, reference: number[]): number {
  const length = Math.hypot(...reference)
  return Math.max(...reference.map((value, i) => Math.abs(value - (unit[i] as number) * length)))
}

function cosine(unit: Float32Array, reference: number[]): number {
  return dot(unit, normalise(Float32Array.from(reference)))
}

async function pixelsOf(png: string): Promise<Uint8Array> {
  return Uint8Array.from(await sharp(png).removeAlpha().raw().toBuffer())
}

function textsOf(prompts: { text: string }[]): string[] {
  return prompts.map(({ text }) => text)
}

/** The encoder ends its thread when it has answered. */
function embedTexts(model: Model, texts: string[]): Promise<Float32Array[]> {
  return createTextEncoder(model, { threads: 1 }).embed(texts)
}

const clip = await readGolden('clip')
const siglip = await readGolden('siglip')
const variants = clip.images.flatMap(({ file, variants }) =>
  Object.entries(variants)
    .filter(([key]) => key !== 'openai_order')
    .map(([key, variant]) => ({ name: `${file} ${key}`, variant, crop: cropFile(variant) })),
)

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'pixwarden-parity-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('a CLIP export gives what the published code gives', () => {
  let model: Model
  let encoder: ImageEncoder
  let labels: Float32Array[]

  beforeAll(async () => {
    model = await openModel(await copyTinyModel('tiny-clip', path.join(folder, 'tiny-clip')))
    encoder = createImageEncoder(model, { threads: 1 })
    labels = await embedTexts(model, clip.labels)
  })
  afterAll(() => encoder.close())

  test('the settings are read from its files', () => {
    expect(model.preprocessing).toEqual({
      resize: { kind: 'shortest-edge', edge: 224 },
      width: 224,
      height: 224,
      resample: 'bicubic',
      rescaleFactor: 1 / 255,
      mean: clip.mean,
      std: clip.std,
    })
    expect(model.scoring).toMatchObject({ logitScale: 100, logitBias: undefined, backgroundCosine: undefined })
    expect(model.warnings).toEqual([])
  })

  describe('from its 8-bit crop, a picture gets the same tensor, embedding, logits and probabilities', () => {
    for (const { name, variant, crop } of variants)
      test.skipIf(crop === undefined)(name, async () => {
        const pixels = await pixelsOf(crop as string)
        const tensor = new Float32Array(pixels.length)
        fillPlanes(pixels, normalisationTables(model.preprocessing), tensor)
        expect(createHash('sha256').update(new Uint8Array(tensor.buffer)).digest('hex')).toBe(variant.tensor.sha256_float32)

        const [embedding] = (await encoder.encode([pixels])) as [Float32Array]
        expect(largestDifference(embedding, variant.image_embeds)).toBeLessThan(2e-5)
        expect(cosine(embedding, variant.image_embeds)).toBeGreaterThan(0.999999)
        const cosines = labels.map((label) => dot(embedding, label))
        for (const [i, own] of cosines.entries()) {
          const others = cosines.filter((_, other) => other !== i)
          expect(Math.abs(own * model.scoring.logitScale - (variant.logits_per_image[i] as number))).toBeLessThan(1e-3)
          expect(Math.abs(softmaxScore([own], others, model.scoring.logitScale) - (variant.softmax?.[i] as number))).toBeLessThan(
            1e-3,
          )
        }
      })
  })

  test('token ids are those of openai/CLIP, except for text that was decoded with the wrong charset', async () => {
    const tokenizer = await openTokenizer(model.text)
    const different = clip.prompts.filter(({ text, ids_openai }) => tokenizer.encode(text).ids.join() !== ids_openai?.join())
    expect(different.map(({ what }) => what)).toEqual(["mojibake: openai's cleaning repairs it"])
  })

  test('text embeddings', async () => {
    const prompts = clip.prompts.filter(({ what }) => !what.startsWith('mojibake'))
    const embeddings = await embedTexts(model, textsOf(prompts))
    for (const [index, { what, text_embeds }] of prompts.entries())
      expect(largestDifference(embeddings[index] as Float32Array, text_embeds), what).toBeLessThan(1e-5)
  })
})

describe('a SigLIP export gives what the published code gives', () => {
  /** Its joiners are spaces to the tokenizer's library, which knows SentencePiece's character map only nearly. */
  const JOINED_EMOJI = 'emoji with joiners and variation selector'
  let model: Model

  beforeAll(async () => {
    const dir = await copyTinyModel('tiny-siglip', path.join(folder, 'tiny-siglip'))
    const calibration = { logit_scale: siglip.logit_scale_exp, logit_bias: siglip.logit_bias }
    await writeFile(path.join(dir, 'calibration.json'), JSON.stringify(calibration))
    model = await openModel(dir)
  })

  test("the settings are read from its files: pictures are squashed, scale and bias are the calibration's", () => {
    expect(model.preprocessing).toMatchObject({ resize: { kind: 'squash' }, width: 224, height: 224, mean: siglip.mean })
    expect(model.scoring).toMatchObject({ logitScale: 10, logitBias: -2 })
    expect(model.warnings).toEqual([])
  })

  test('token ids, padded to 64 with 1, except for emoji with joiners', async () => {
    const tokenizer = await openTokenizer(model.text)
    const different = siglip.prompts.filter(({ text, ids }) => tokenizer.encode(text).ids.join() !== ids?.join())
    expect(different.map(({ what }) => what)).toEqual([JOINED_EMOJI])
  })

  test('text embeddings', async () => {
    const prompts = siglip.prompts.filter(({ what }) => what !== JOINED_EMOJI)
    const embeddings = await embedTexts(model, textsOf(prompts))
    for (const [index, { what, text_embeds }] of prompts.entries())
      expect(largestDifference(embeddings[index] as Float32Array, text_embeds), what).toBeLessThan(1e-5)
  })

  test('logits and sigmoids of the reference pictures', async () => {
    const labels = await embedTexts(model, siglip.labels)
    const { logitScale, logitBias } = model.scoring
    for (const { file, variants } of siglip.images)
      for (const [key, { image_embeds, logits_per_image, sigmoid }] of Object.entries(variants))
        for (const [i, label] of labels.entries()) {
          const own = cosine(label, image_embeds)
          expect(
            Math.abs(own * logitScale + (logitBias as number) - (logits_per_image[i] as number)),
            `${file} ${key}`,
          ).toBeLessThan(1e-3)
          expect(
            Math.abs(sigmoidScore([own], logitScale, logitBias as number) - (sigmoid?.[i] as number)),
            `${file} ${key}`,
          ).toBeLessThan(1e-3)
        }
  })

  test('an image embedding is the pooled output of the graph on the normalised picture', async () => {
    const pixels = await pixelsOf(variants.find(({ name }) => name.includes('landscape'))?.crop as string)
    const planes = [0, 1, 2].flatMap((c) =>
      Array.from(
        pixels.filter((_, i) => i % 3 === c),
        (u8) => (u8 / 255 - 0.5) / 0.5,
      ),
    )
    const session = await InferenceSession.create(model.visionFile)
    const { pooler_output } = await session.run({ pixel_values: new Tensor('float32', planes, [1, 3, 224, 224]) })
    await session.release()
    const encoder = createImageEncoder(model, { threads: 1 })
    onTestFinished(() => encoder.close())
    const [embedding] = (await encoder.encode([pixels])) as [Float32Array]
    expect(largestDifference(embedding, Array.from(pooler_output?.data as Float32Array))).toBeLessThan(2e-5)
  })
})

describe('the embedded model gives what its authors measured', () => {
  type Expected = { prompts: { text: string; input_ids: number[]; text_embeds: number[] }[] }
  let expected: Expected
  let model: Model

  beforeAll(async () => {
    model = await openModel('embedded')
    expected = JSON.parse(await readFile(path.join(packageRoot, 'models/embedded/golden/expected.json'), 'utf8'))
  })

  test('its scale and background are those of its files', () => {
    expect(model.scoring).toMatchObject({ id: 'embedded', logitScale: 25, backgroundCosine: 0.25 })
    expect(model.preprocessing).toMatchObject({ width: 260, height: 260, resize: { kind: 'shortest-edge', edge: 260 } })
  })

  test('token ids and text embeddings', async () => {
    const tokenizer = await openTokenizer(model.text)
    for (const { text, input_ids } of expected.prompts) expect(tokenizer.encode(text).ids).toEqual(input_ids)
    const embeddings = await embedTexts(model, textsOf(expected.prompts))
    for (const [i, { text, text_embeds }] of expected.prompts.entries()) {
      expect(cosine(embeddings[i] as Float32Array, text_embeds), text).toBeGreaterThan(0.99999)
      for (const [j, other] of expected.prompts.entries()) {
        const reference = cosine(normalise(Float32Array.from(text_embeds)), other.text_embeds)
        expect(Math.abs(dot(embeddings[i] as Float32Array, embeddings[j] as Float32Array) - reference)).toBeLessThan(0.0005)
      }
    }
  })

  test("a text's embedding does not depend on the texts beside it", async () => {
    const texts = [...textsOf(expected.prompts), 'a cat '.repeat(100)]
    const session = await openTextSession(model, 1)
    const together = await session.embed(texts)
    for (const [index, text] of texts.entries()) {
      const [alone] = await session.embed([text])
      expect(dot(alone as Float32Array, together[index] as Float32Array), text).toBeGreaterThan(0.9999998)
    }
  })
})
