import { existsSync } from 'node:fs'
import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { packageRoot } from '../../services/core/infra/package-root.ts'
import type { View } from '../../services/worker/clip/preprocessing.ts'

const fixtures = path.join(packageRoot, 'test/fixtures')
const shared = path.join(packageRoot, '../shared')

export type GoldenVariant = {
  resized_width_height?: [number, number]
  crop_left_top?: [number, number]
  /** Only CLIP's; see `cropFile`. */
  crop_png?: string
  crop_u8_sha256?: string
  tensor: { sample_index: number[]; sample: number[]; sha256_float32: string }
  image_embeds: number[]
  cosine: number[]
  logits_per_image: number[]
  softmax?: number[]
  sigmoid?: number[]
}

export type GoldenImage = { file: string; format: string; mode: string; variants: Record<string, GoldenVariant> }

export type GoldenPrompt = {
  text: string
  what: string
  /** CLIP's: not padded. */
  ids_openai?: number[]
  /** SigLIP's: padded. */
  ids?: number[]
  text_embeds: number[]
}

export type Golden = {
  context_length: number
  mean: [number, number, number]
  std: [number, number, number]
  labels: string[]
  prompts: GoldenPrompt[]
  images: GoldenImage[]
}

export async function readGolden(model: 'clip'): Promise<Golden>
export async function readGolden(model: 'siglip'): Promise<Golden & { logit_scale_exp: number; logit_bias: number }>
export async function readGolden(model: string): Promise<Golden> {
  return JSON.parse(await readFile(path.join(fixtures, `parity/golden-${model}.json`), 'utf8'))
}

/** The picture of a golden entry; undefined where it may not be shipped and is not at hand. */
export function pictureFile({ file }: GoldenImage): string | undefined {
  if (!file.startsWith('data:')) return path.join(fixtures, 'parity', file)
  return ifExists(path.join(shared, 'data/clip', file.slice('data:'.length)))
}

/** Each view with the reference's variant that treats the picture as we do. A later frame has none. */
export function pairs(views: View[], { file, variants }: GoldenImage, ignoreIcc: boolean): [View, GoldenVariant][] {
  const full = (!ignoreIcc && variants.icc_to_srgb) || (variants.exif_applied ?? variants.sixteen_to_eight ?? variants.reference)
  const found = views.flatMap((view): [View, GoldenVariant][] => {
    const golden = { full, 'on-black': variants.over_black, 'on-white': variants.over_white }[view.view]
    return golden ? [[view, golden]] : []
  })
  if (found.length < (variants.over_black ? 2 : 1)) throw new Error(`${file} has no views to compare`)
  return found
}

/** The reference's 224 × 224 RGB crop as a PNG; undefined for SigLIP and where it is not at hand. */
export function cropFile({ crop_png }: GoldenVariant): string | undefined {
  if (crop_png === undefined) return undefined
  return ifExists(path.join(fixtures, 'parity', crop_png)) ?? ifExists(path.join(shared, 'models/parity', crop_png))
}

/** Copies a model of the fixtures into the folder `to`, ready to be opened. */
export async function copyTinyModel(name: 'tiny-clip' | 'tiny-siglip', to: string): Promise<string> {
  await cp(path.join(fixtures, 'models', name), to, { recursive: true })
  const zipped = path.join(to, 'tokenizer.json.gz')
  if (existsSync(zipped)) {
    await writeFile(path.join(to, 'tokenizer.json'), await promisify(gunzip)(await readFile(zipped)))
    await rm(zipped)
  }
  return to
}

function ifExists(file: string): string | undefined {
  return existsSync(file) ? file : undefined
}
