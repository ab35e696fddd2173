import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { packageRoot } from '../../../services/core/infra/package-root.ts'
import { contest } from '../contest.ts'
import { photosOf, writePhotos } from '../photos.ts'
import type { Measured, Ratio } from '../report.ts'
import { wholeService } from './clip-service.ts'
import { asQuantised, productGraph, visionMacs, writeRandomClip } from './random-clip.ts'

/** Twelve, as a service that moderates would ask for. */
const PROMPTS = [
  ...['a photo of a cat', 'a photo of a dog', 'a photo of a weapon', 'a photo of a bottle of wine'],
  ...['a photo of a cigarette', 'a photo of a crowd', 'a screenshot of a chat', 'a photo of a landscape'],
  ...['a photo of food', 'a drawing', 'a photo of a person', 'a photo of a car'],
]
const PRODUCT = { rows: 400, inner: 768, columns: 3072 }
const TURNS = { rounds: 5, seconds: 2 }
const BATCH = 8

/**
 * CLIP ViT-B/32 with random weights: on one core against what the core can do, and against transformers.js where it is installed; and in the whole service on Redis,
 * with one worker and with one for each core.
 */
export async function benchClip(dir: string, redisUrl: string): Promise<Measured> {
  const clip = path.join(dir, 'clip')
  const quantised = path.join(dir, 'clip-q8')
  await writeRandomClip(clip)
  await asQuantised(clip, quantised)
  const photos = await photosOf(640, 480)
  const files = await writePhotos(photos, dir)
  const policies = await writePolicy(dir)
  const alone = await modelAlone(dir, clip, quantised)
  const peers = existsSync(path.join(packageRoot, 'test/bench/node_modules/@huggingface/transformers'))
  const against = peers ? await againstTransformers({ dir, clip, quantised, files, policies }) : { ratios: [], figures: {} }
  if (!peers) console.log('transformers.js is not installed: npm install --prefix test/bench, to be compared with it')
  const service = await wholeService({ dir, clip, photos, files, policies, redisUrl })
  const parts = { alone, against, service }
  return {
    ratios: Object.values(parts).flatMap(({ ratios }) => ratios),
    figures: Object.fromEntries(Object.entries(parts).map(([name, { figures }]) => [name, figures])),
  }
}

async function modelAlone(dir: string, clip: string, quantised: string): Promise<Measured> {
  const graphDir = path.join(dir, 'graphs')
  const product = path.join(dir, 'product.onnx')
  await writeFile(product, productGraph(PRODUCT.rows, PRODUCT.inner, PRODUCT.columns))
  const rates = await contest(
    [
      { name: 'product', entry: 'clip/model-alone', args: { product, ...PRODUCT } },
      { name: 'fp32 as it came', entry: 'clip/model-alone', args: { dir: clip, batch: BATCH } },
      { name: 'fp32', entry: 'clip/model-alone', args: { dir: clip, graphDir, batch: BATCH } },
      { name: 'fp32, one', entry: 'clip/model-alone', args: { dir: clip, graphDir, batch: 1 } },
      { name: 'q8', entry: 'clip/model-alone', args: { dir: quantised, graphDir, batch: BATCH } },
    ],
    TURNS,
  )
  const rate = (name: string) => rates.get(name) ?? Number.NaN
  const peak = rate('product') * PRODUCT.rows * PRODUCT.inner * PRODUCT.columns
  const ratios: Ratio[] = [
    {
      name: 'ViT-B/32 fp32, model alone ÷ matrix products (whole work counted)',
      value: (rate('fp32') * visionMacs()) / peak,
      goal: 0.75,
      direction: 'min',
    },
    {
      name: 'ViT-B/32 fp32, model alone as it came ÷ matrix products',
      value: (rate('fp32 as it came') * visionMacs()) / peak,
      goal: 0.7,
      direction: 'min',
    },
  ]
  return { ratios, figures: { perSecond: Object.fromEntries(rates), productGflops: (2 * peak) / 1e9 } }
}

type Against = { dir: string; clip: string; quantised: string; files: string[]; policies: string }

async function againstTransformers({ dir, clip, quantised, files, policies }: Against): Promise<Measured> {
  const ours = (model: string) => ({ dir: model, graphDir: path.join(dir, 'graphs'), policiesDir: policies, files })
  const theirs = (dtype: string) => ({ dir: clip, dtype, prompts: PROMPTS, files })
  const rates = await contest(
    [
      { name: 'ours fp32', entry: 'clip/our-pipeline', args: { part: 'judge', ...ours(clip) } },
      { name: 'ours q8', entry: 'clip/our-pipeline', args: { part: 'judge', ...ours(quantised) } },
      { name: 'pipeline fp32', entry: 'clip/transformers-js', args: { part: 'pipeline', ...theirs('fp32') } },
      { name: 'batches fp32', entry: 'clip/transformers-js', args: { part: 'batches', ...theirs('fp32') } },
      { name: 'batches q8', entry: 'clip/transformers-js', args: { part: 'batches', ...theirs('q8') } },
      { name: 'our preprocessing', entry: 'clip/our-pipeline', args: { part: 'preprocess', ...ours(clip) } },
      { name: 'their preprocessing', entry: 'clip/transformers-js', args: { part: 'preprocess', ...theirs('fp32') } },
    ],
    TURNS,
  )
  const times = (a: string, b: string) => (rates.get(a) ?? Number.NaN) / (rates.get(b) ?? Number.NaN)
  const ratio = (name: string, value: number, goal: number): Ratio => ({ name, value, goal, direction: 'min' })
  return {
    ratios: [
      ratio('against the pipeline of transformers.js, 12 prompts, fp32', times('ours fp32', 'pipeline fp32'), 3),
      ratio('against the same, our int8', times('ours q8', 'pipeline fp32'), 5),
      ratio('against its strongest use, fp32', times('ours fp32', 'batches fp32'), 1.2),
      ratio('against its strongest use, int8', times('ours q8', 'batches q8'), 1.3),
      ratio('preprocessing against that of transformers.js', times('our preprocessing', 'their preprocessing'), 3),
    ],
    figures: { perSecond: Object.fromEntries(rates) },
  }
}

/** One policy that asks the same. */
async function writePolicy(dir: string): Promise<string> {
  const policies = path.join(dir, 'policies')
  await mkdir(policies)
  const [concepts, contrast] = [PROMPTS.slice(0, 6), PROMPTS.slice(6)].map((prompts) => JSON.stringify(prompts))
  await writeFile(
    path.join(policies, 'bench.yaml'),
    `id: bench
title: Twelve prompts
mode: enforce
templates: ["{}"]
rules:
  - id: twelve
    concepts: ${concepts}
    contrast: ${contrast}
    thresholds: { default: { flag: 0.9 } }
`,
  )
  return policies
}
