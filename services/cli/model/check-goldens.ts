import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { dot, normalise } from '../../core/domain/vector.ts'
import type { Model } from '../../worker/clip/open-model.ts'
import { fillPlanes, normalisationTables } from '../../worker/clip/pixels-to-tensor.ts'
import { readModelJson } from '../../worker/clip/read-model-json.ts'
import { openTokenizer } from '../../worker/clip/tokenizer.ts'
import type { Check } from './check.ts'
import { type Encoders, exactView, SAMPLES } from './encode.ts'

const GOLDENS = 'golden/expected.json'

const vector = z.array(z.number()).min(1)
const goldens = z.object({
  logit_scale: z.number(),
  prompts: z.array(z.object({ text: z.string(), input_ids: z.array(z.int()), text_embeds: vector })).min(1),
  images: z.array(
    z.object({
      file: z.string(),
      pixel_values: z.object({ sha256_float32_le: z.string() }),
      image_embeds: vector,
      probabilities: z.array(z.number()),
    }),
  ),
})

type Goldens = z.infer<typeof goldens>

const LEAST_COSINE = 0.99999
const MOST_APART = 1e-3

/** Compares a model with the reference values that its folder carries; none where it carries none. Throws AppError `invalid-model` or `model-failed`. */
export async function checkGoldens(model: Model, encoders: Encoders): Promise<Check[]> {
  if (!existsSync(path.join(model.dir, GOLDENS))) return []
  const expected = await readModelJson(model.dir, GOLDENS, goldens)
  const texts = await encoders.texts(expected.prompts.map(({ text }) => text))
  const images = await viewsOf(model, expected)
  const embeddings = await encoders.images(images.map(({ view }) => view))
  return [
    await checkTokens(model, expected),
    checkCosines(
      'reference texts',
      expected.prompts.map(({ text_embeds }) => text_embeds),
      texts,
    ),
    checkTensors(model, images),
    checkCosines(
      'reference pictures',
      images.map(({ golden }) => golden.image_embeds),
      embeddings,
    ),
    checkProbabilities(
      expected,
      images.map(({ golden }) => golden.probabilities),
      embeddings,
      texts,
    ),
  ]
}

type GoldenView = { golden: Goldens['images'][number]; view: Uint8Array }

/** Pictures lie beside the values, or are the sample photos of the policies. */
async function viewsOf(model: Model, { images }: Goldens): Promise<GoldenView[]> {
  return Promise.all(
    images.map(async (golden) => {
      const own = path.join(model.dir, 'golden', golden.file)
      return { golden, view: await exactView(model, existsSync(own) ? own : path.join(SAMPLES, golden.file)) }
    }),
  )
}

async function checkTokens(model: Model, { prompts }: Goldens): Promise<Check> {
  const tokenizer = await openTokenizer(model.text)
  const wrong = prompts.filter(({ text, input_ids }) => tokenizer.encode(text).ids.join() !== input_ids.join())
  const detail = wrong.length === 0 ? `of ${prompts.length} prompts` : `not of ${wrong.map(({ text }) => `"${text}"`).join(', ')}`
  return { check: 'reference tokens', ok: wrong.length === 0, detail }
}

function checkTensors(model: Model, images: GoldenView[]): Check {
  const tables = normalisationTables(model.preprocessing)
  const equal = images.filter(({ golden, view }) => {
    const tensor = new Float32Array(view.length)
    fillPlanes(view, tables, tensor)
    return createHash('sha256').update(new Uint8Array(tensor.buffer)).digest('hex') === golden.pixel_values.sha256_float32_le
  })
  return {
    check: 'reference tensors',
    ok: equal.length === images.length,
    detail: `${equal.length} of ${images.length} equal to the last bit`,
  }
}

function checkCosines(check: string, references: number[][], embeddings: Float32Array[]): Check {
  const cosines = references.map((reference, i) =>
    dot(normalise(Float32Array.from(reference)), embeddings[i] ?? new Float32Array()),
  )
  const lowest = Math.min(...cosines)
  return { check, ok: lowest >= LEAST_COSINE, detail: `cosine ${lowest.toFixed(6)}, at least ${LEAST_COSINE}` }
}

function checkProbabilities(
  { logit_scale }: Goldens,
  references: number[][],
  images: Float32Array[],
  texts: Float32Array[],
): Check {
  const apart = references.flatMap((reference, i) => {
    const own = softmax(texts.map((text) => logit_scale * dot(images[i] as Float32Array, text)))
    return reference.map((value, j) => Math.abs(value - (own[j] ?? Number.NaN)))
  })
  const most = Math.max(...apart)
  return {
    check: 'reference probabilities',
    ok: most <= MOST_APART,
    detail: `${most.toExponential(1)} apart, at most ${MOST_APART}`,
  }
}

function softmax(logits: number[]): number[] {
  const largest = Math.max(...logits)
  const powers = logits.map((logit) => Math.exp(logit - largest))
  const sum = powers.reduce((a, b) => a + b)
  return powers.map((power) => power / sum)
}
