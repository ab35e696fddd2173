import { existsSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import type { ScoringModel } from '../../core/domain/compile-policy.ts'
import { AppError } from '../../core/domain/errors.ts'
import type { ModelFiles } from '../../core/domain/model-files.ts'
import type { ModelSettings } from '../../core/domain/model-registry.ts'
import { readManifest } from '../../core/infra/hub/model-manifest.ts'
import { findModel } from './find-model.ts'
import { listModelFiles } from './list-model-files.ts'
import { modelRevision } from './model-revision.ts'
import type { Preprocessing } from './preprocessing.ts'
import {
  type ModelConfig,
  readModelConfig,
  type TextCleanUp,
  type TokenizerConfig,
  tokenizerConfig,
} from './read-model-config.ts'
import { readModelJson } from './read-model-json.ts'

/** An image-text model as its folder describes it: plain data, its graphs not yet loaded. */
export type Model = {
  /** By which policies and decisions call the model: the registry's where it was pulled, else the folder's name. */
  id: string
  dir: string
  /** SHA-256 over the model's files. */
  revision: string
  preprocessing: Preprocessing
  scoring: ScoringModel
  /** Length of the embeddings, where config.json says it. */
  embeddingSize: number | undefined
  visionFile: string
  text: TextSettings
  /** What limits the use of the model, for whoever opens it to log. */
  warnings: string[]
}

/** How a model wants its prompts. */
export type TextSettings = {
  file: string
  tokenizerFile: string
  tokenizerConfigFile: string
  /** In tokens, start and end included. Longer prompts are cut, the end token kept. */
  maxLength: number
  /** `max-length` for models whose embedding depends on the padding (SigLIP), which they have seen in training. */
  padding: 'none' | 'max-length'
  padToken: string | undefined
  padId: number
  cleanUp: TextCleanUp
}

/** Of tokenizer.json only so much as tells it from something else: the tokenizer reads the rest. */
const tokenizer = z.object({ model: z.object({ type: z.string().optional() }) })

const calibration = z.object({
  logit_scale: z.number().positive().optional(),
  logit_bias: z.number().optional(),
  background_cosine: z.number().min(-1).max(1).optional(),
})

type Calibration = z.infer<typeof calibration>

/** The published models of the family were clipped there (CLIP, section 2.5); their `logit_scale_init_value` is only where training began. */
const CLIP_LOGIT_SCALE = 100

/**
 * Opens a model by its folder, or by the name of one in `modelsDir` or under models/. The folder is laid out as the hub's ONNX exports for
 * transformers.js are, or as immich's, with an optional calibration.json; what pulled it may have left a manifest with settings that exports lack.
 * Throws AppError `invalid-model` that says which file and field is missing or wrong.
 */
export async function openModel(idOrFolder: string, { modelsDir }: { modelsDir?: string | undefined } = {}): Promise<Model> {
  const dir = await findModel(idOrFolder, modelsDir)
  const files = await listModelFiles(dir)
  const [manifest, tokens, calibrated] = await Promise.all([
    readManifest(dir),
    readModelJson(dir, files.tokenizerConfig, tokenizerConfig),
    existsSync(path.join(dir, 'calibration.json')) ? readModelJson(dir, 'calibration.json', calibration) : {},
    readModelJson(dir, files.tokenizer, tokenizer),
  ])
  const settings = manifest?.settings ?? {}
  const [config, preprocessing] = await readModelConfig(dir, files, tokens)
  checkSizes(dir, files, config, preprocessing)
  const id = manifest?.id ?? path.basename(dir)
  const revision = await modelRevision(dir, files)
  const { scoring, warnings } = scoringOf({ id, revision }, config, { ...settings, ...calibrated })
  return {
    id,
    dir,
    revision,
    preprocessing,
    scoring,
    embeddingSize: config.embeddingSize,
    visionFile: path.join(dir, files.vision),
    text: textSettings(dir, files, config, tokens, settings),
    warnings,
  }
}

function checkSizes(
  dir: string,
  { preprocessor }: ModelFiles,
  { imageSize }: ModelConfig,
  { width, height }: Preprocessing,
): void {
  if (imageSize === undefined || (imageSize.height === height && imageSize.width === width)) return
  throw new AppError(
    'invalid-model',
    `${path.join(dir, preprocessor)} makes pictures of ${width} × ${height}, but config.json: image_size is ${imageSize.width}`,
  )
}

function scoringOf(
  model: { id: string; revision: string },
  { trainedWith, kind, logitScale }: ModelConfig,
  { logit_scale, logit_bias, background_cosine }: ModelSettings & Calibration,
): Pick<Model, 'scoring' | 'warnings'> {
  const scale = logitScale ?? logit_scale
  const warnings = []
  if (trainedWith === 'sigmoid' && (scale === undefined || logit_bias === undefined))
    warnings.push(
      `a ${kind} model needs logit_scale and logit_bias in its calibration.json: without a bias sigmoid rules flag everything, without a scale ${CLIP_LOGIT_SCALE} is taken`,
    )
  const scoring = {
    ...model,
    logitScale: scale ?? CLIP_LOGIT_SCALE,
    logitBias: logit_bias,
    backgroundCosine: background_cosine,
  }
  return { scoring, warnings }
}

function textSettings(
  dir: string,
  files: ModelFiles,
  config: ModelConfig,
  tokens: TokenizerConfig,
  settings: ModelSettings,
): TextSettings {
  const limits = [tokens.model_max_length, config.textLength].filter((limit) => limit !== undefined)
  const maxLength = Math.min(...limits)
  if (!Number.isSafeInteger(maxLength))
    throw new AppError(
      'invalid-model',
      `${path.join(dir, files.tokenizerConfig)}: model_max_length: is missing, and config.json has no text_config: max_position_embeddings`,
    )
  return {
    file: path.join(dir, files.text),
    tokenizerFile: path.join(dir, files.tokenizer),
    tokenizerConfigFile: path.join(dir, files.tokenizerConfig),
    maxLength,
    padding: settings.padding ?? config.padding,
    padToken: tokens.pad_token ?? undefined,
    padId: config.padId,
    cleanUp: settings.lower_case ? 'lower-case' : config.cleanUp,
  }
}
