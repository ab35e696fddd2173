import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dot, normalise } from '../../services/core/domain/vector.ts'
import { packageRoot } from '../../services/core/infra/package-root.ts'
import { createImageEncoder, type ImageEncoder } from '../../services/worker/clip/image-encoder.ts'
import { type Model, openModel } from '../../services/worker/clip/open-model.ts'
import { fillPlanes, normalisationTables } from '../../services/worker/clip/pixels-to-tensor.ts'
import type { View } from '../../services/worker/clip/preprocessing.ts'
import { decodeImage } from '../../services/worker/image/decode-image.ts'
import { restrictSharp } from '../../services/worker/image/open-picture.ts'
import {
  copyTinyModel,
  cropFile,
  type GoldenImage,
  type GoldenVariant,
  pairs,
  pictureFile,
  readGolden,
} from '../support/parity.ts'

const MAX_PIXELS = 50_000_000
const goldens = { 'tiny-clip': await readGolden('clip'), 'tiny-siglip': await readGolden('siglip') }

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'pixwarden-decode-'))
  restrictSharp({ avif: false })
})
afterAll(() => rm(folder, { recursive: true }))

describe.each(['tiny-clip', 'tiny-siglip'] as const)('%s', (name) => {
  let model: Model
  let encoder: ImageEncoder
  beforeAll(async () => {
    model = await openModel(await copyTinyModel(name, path.join(folder, name)))
    encoder = createImageEncoder(model, { threads: 1 })
  })
  afterAll(() => encoder.close())

  const images = goldens[name].images.filter((image) => {
    if (pictureFile(image)) return true
    console.warn(`SKIPPED: ${image.file} is not at hand; it may not be shipped`)
    return false
  })
  const decode = async (image: GoldenImage, mode: 'fast' | 'exact', ignoreIcc: boolean) => {
    const settings = { preprocessing: model.preprocessing, mode, maxPixels: MAX_PIXELS, ignoreIcc }
    return decodeImage(pictureFile(image) as string, settings)
  }

  test.each(images)('$file, resized exactly, is the reference to the last bit', async (image) => {
    const { views } = await decode(image, 'exact', true)
    for (const [view, golden] of pairs(views, image, true))
      expect(digest(tensorOf(view, model))).toBe(golden.tensor.sha256_float32)
  })

  test.each(images)('$file, resized fast, is near enough to the reference', async (image) => {
    const { views } = await decode(image, 'fast', false)
    for (const [view, golden] of pairs(views, image, false)) {
      const [embedding = new Float32Array()] = await encoder.encode([view.pixels.slice()])
      expect(dot(embedding, normalise(Float32Array.from(golden.image_embeds)))).toBeGreaterThan(0.9999)
      const crop = cropFile(golden)
      if (crop) expect(meanDifference(tensorOf(view, model), await tensorOfCrop(crop, model))).toBeLessThan(0.005)
    }
  })

  test('a colour profile other than sRGB is converted, near enough to the reference', async () => {
    const image = images.find(({ variants }) => variants.icc_to_srgb) as GoldenImage
    const { views } = await decode(image, 'exact', false)
    const [[view, golden]] = pairs(views, image, false) as [[View, GoldenVariant]]
    expect(golden).toBe(image.variants.icc_to_srgb)
    const [embedding = new Float32Array()] = await encoder.encode([view.pixels.slice()])
    expect(dot(embedding, normalise(Float32Array.from(golden.image_embeds)))).toBeGreaterThan(0.9999)
    const crop = cropFile(golden)
    if (crop) expect(meanDifference(tensorOf(view, model), await tensorOfCrop(crop, model))).toBeLessThan(0.001)
  })
})

describe('the embedded model on the sample photos', () => {
  type Expected = {
    logit_scale: number
    prompts: { text_embeds: number[] }[]
    images: {
      file: string
      pixel_values: { sha256_float32_le: string }
      image_embeds: number[]
      cosine: number[]
      probabilities: number[]
    }[]
  }
  let expected: Expected
  let model: Model
  let encoder: ImageEncoder
  beforeAll(async () => {
    expected = JSON.parse(await readFile(path.join(packageRoot, 'models/embedded/golden/expected.json'), 'utf8'))
    model = await openModel('embedded')
    encoder = createImageEncoder(model, { threads: 1 })
  })
  afterAll(() => encoder.close())

  const decode = async (file: string, mode: 'fast' | 'exact', ignoreIcc: boolean) => {
    const settings = { preprocessing: model.preprocessing, mode, maxPixels: MAX_PIXELS, ignoreIcc }
    const { views } = await decodeImage(path.join(packageRoot, 'policies/samples', file), settings)
    return views[0] as View
  }

  test('exact resizing gives the tensors it was trained with, to the last bit', async () => {
    expect(expected.images).toHaveLength(8)
    for (const { file, pixel_values } of expected.images)
      expect(digest(tensorOf(await decode(file, 'exact', true), model)), file).toBe(pixel_values.sha256_float32_le)
  })

  test('fast resizing moves no embedding, cosine or probability by more than is documented', async () => {
    const texts = expected.prompts.map(({ text_embeds }) => normalise(Float32Array.from(text_embeds)))
    for (const { file, image_embeds, cosine, probabilities } of expected.images) {
      const [embedding = new Float32Array()] = await encoder.encode([(await decode(file, 'fast', false)).pixels])
      expect(dot(embedding, normalise(Float32Array.from(image_embeds))), file).toBeGreaterThan(0.997)
      const cosines = texts.map((text) => dot(embedding, text))
      expect(largestDifference(cosines, cosine), file).toBeLessThan(0.03)
      expect(largestDifference(softmax(cosines, expected.logit_scale), probabilities), file).toBeLessThan(0.04)
    }
  })
})

function tensorOf({ pixels }: Pick<View, 'pixels'>, { preprocessing }: Model): Float32Array {
  const tensor = new Float32Array(pixels.length)
  fillPlanes(pixels, normalisationTables(preprocessing), tensor)
  return tensor
}

async function tensorOfCrop(png: string, model: Model): Promise<Float32Array> {
  return tensorOf({ pixels: await sharp(png).removeAlpha().raw().toBuffer() }, model)
}

function digest(tensor: Float32Array): string {
  return createHash('sha256').update(new Uint8Array(tensor.buffer)).digest('hex')
}

function meanDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + Math.abs(value - (b[i] as number)), 0) / a.length
}

function largestDifference(a: number[], b: number[]): number {
  return Math.max(...a.map((value, i) => Math.abs(value - (b[i] as number))))
}

function softmax(cosines: number[], scale: number): number[] {
  const powers = cosines.map((cosine) => Math.exp(scale * cosine))
  const sum = powers.reduce((a, b) => a + b)
  return powers.map((power) => power / sum)
}
