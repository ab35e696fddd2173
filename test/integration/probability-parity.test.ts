import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sigmoidScore, softmaxScore } from '../../services/core/domain/score.ts'
import { dot } from '../../services/core/domain/vector.ts'
import { writeManifest } from '../../services/core/infra/hub/model-manifest.ts'
import { packageRoot } from '../../services/core/infra/package-root.ts'
import { createImageEncoder, type ImageEncoder } from '../../services/worker/clip/image-encoder.ts'
import { type Model, openModel } from '../../services/worker/clip/open-model.ts'
import { createTextEncoder } from '../../services/worker/clip/text-encoder.ts'
import { decodeImage } from '../../services/worker/image/decode-image.ts'
import { restrictSharp } from '../../services/worker/image/open-picture.ts'
import { copyTinyModel, type GoldenVariant, pairs, pictureFile, readGolden } from '../support/parity.ts'

const MAX_PIXELS = 50_000_000
const clip = await readGolden('clip')
const siglip = await readGolden('siglip')

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'pixwarden-probability-'))
  restrictSharp({ avif: false })
})
afterAll(() => rm(folder, { recursive: true }))

async function decode(model: Model, file: string, mode: 'fast' | 'exact') {
  const { views } = await decodeImage(file, { preprocessing: model.preprocessing, mode, maxPixels: MAX_PIXELS, ignoreIcc: true })
  return views
}

describe.each([
  ['tiny-clip', clip, {}],
  // As a pull would leave them: a SigLIP export has neither.
  ['tiny-siglip', siglip, { logit_scale: siglip.logit_scale_exp, logit_bias: siglip.logit_bias }],
] as const)('%s: from the file to the score', (name, golden, settings) => {
  let model: Model
  let encoder: ImageEncoder
  let labels: Float32Array[]
  beforeAll(async () => {
    const dir = await copyTinyModel(name, path.join(folder, name))
    await writeManifest(dir, { format: 1, id: name, repo: 'me/tiny', commit: 'a'.repeat(40), dtype: 'fp32', settings, files: [] })
    model = await openModel(dir)
    encoder = createImageEncoder(model, { threads: 1 })
    labels = await createTextEncoder(model, { threads: 1 }).embed(golden.labels)
  })
  afterAll(() => encoder.close())

  function scoresOf(embedding: Float32Array): number[] {
    const { logitScale, logitBias } = model.scoring
    const cosines = labels.map((label) => dot(embedding, label))
    if (logitBias !== undefined) return cosines.map((cosine) => sigmoidScore([cosine], logitScale, logitBias))
    return cosines.map((own, i) =>
      softmaxScore(
        [own],
        cosines.filter((_, other) => other !== i),
        logitScale,
      ),
    )
  }

  const expected = ({ softmax, sigmoid }: GoldenVariant) => (softmax ?? sigmoid) as number[]

  test.each(golden.images.filter((image) => pictureFile(image) !== undefined))(
    '$file, resized exactly, to 1e-3',
    async (image) => {
      for (const [view, variant] of pairs(await decode(model, pictureFile(image) as string, 'exact'), image, true)) {
        const [embedding = new Float32Array()] = await encoder.encode([view.pixels.slice()])
        for (const [i, score] of scoresOf(embedding).entries())
          expect(Math.abs(score - (expected(variant)[i] as number)), `${view.view} ${golden.labels[i]}`).toBeLessThan(1e-3)
      }
    },
  )
})

describe('the embedded model, when pictures shrink fast', () => {
  const photos = ['astronaut', 'cat', 'coffee', 'flower', 'hubble', 'portrait', 'rocket', 'temple']

  test('pixels are off by a fifth of a grey level; only two dark ones of eight move the embedding below a cosine of 0.9999', async () => {
    const model = await openModel('embedded')
    const encoder = createImageEncoder(model, { threads: 1 })
    const moved: string[] = []
    for (const photo of photos) {
      const file = path.join(packageRoot, `policies/samples/${photo}.jpg`)
      const [exact, fast] = await Promise.all(
        (['exact', 'fast'] as const).map(async (mode) => (await decode(model, file, mode))[0]?.pixels),
      )
      expect(meanDifference(exact as Uint8Array, fast as Uint8Array), photo).toBeLessThan(0.25)
      const [reference, near] = (await encoder.encode([exact as Uint8Array, fast as Uint8Array])) as [Float32Array, Float32Array]
      expect(dot(reference, near), photo).toBeGreaterThan(0.997)
      if (dot(reference, near) < 0.9999) moved.push(photo)
    }
    await encoder.close()
    expect(['astronaut', 'hubble']).toEqual(expect.arrayContaining(moved))
  })
})

function meanDifference(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, value, i) => sum + Math.abs(value - (b[i] as number)), 0) / a.length
}
