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
import { openClipConfig, openClipPreprocessing } from './read-immich-config.ts'
import { readModelJson } from './read-model-json.ts'
import { preprocessorConfig } from './read-preprocessing.ts'

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

/**
 * Before the split into tokens: `clip` is CLIP's own, `canonical` open_clip's for SigLIP (lower case, no punctuation), `lower-case` what SigLIP 2 was
 * trained with.
 */
export type TextCleanUp = 'none' | 'clip' | 'canonical' | 'lower-case'

const size = z.int().positive()

const modelConfig = z.object({
  model_type: z.string(),
  projection_dim: size.optional(),
  logit_scale: z.number().positive().optional(),
  padding: z.enum(['longest', 'max_length']).optional(),
  text_config: z.object({ max_position_embeddings: size.optional(), pad_token_id: z.int().nullish() }).default({}),
  vision_config: z.object({ image_size: size.optional() }).default({}),
})

const tokenizerConfig = z.object({
  tokenizer_class: z.string().optional(),
  /** Files that know no limit write 1e30. */
  model_max_length: z.number().positive().optional(),
  pad_token: z
    .union([z.string(), z.object({ content: z.string() })])
    .transform((token) => (typeof token === 'string' ? token : token.content))
    .nullish(),
})

/** Of tokenizer.json only so much as tells it from something else: the tokenizer reads the rest. */
const tokenizer = z.object({ model: z.object({ type: z.string().optional() }) })

const calibration = z.object({
  logit_scale: z.number().positive().optional(),
  logit_bias: z.number().optional(),
  background_cosine: z.number().min(-1).max(1).optional(),
})

type TokenizerConfig = z.infer<typeof tokenizerConfig>
type Calibration = z.infer<typeof calibration>

/** What the configuration of either layout says. */
type ModelConfig = {
  /** `softmax` for CLIP and its kin, `sigmoid` for SigLIP's. */
  trainedWith: 'softmax' | 'sigmoid'
  kind: string
  embeddingSize: number | undefined
  imageSize: { height: number; width: number } | undefined
  logitScale: number | undefined
  textLength: number | undefined
  padding: TextSettings['padding']
  padId: number
  cleanUp: TextCleanUp
}

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
  const [config, preprocessing] = await readConfig(dir, files, tokens)
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

async function readConfig(dir: string, files: ModelFiles, tokens: TokenizerConfig): Promise<[ModelConfig, Preprocessing]> {
  if (files.layout === 'immich') {
    const { embed_dim, init_logit_bias, vision_cfg, text_cfg } = await readModelJson(dir, files.config, openClipConfig)
    const preprocessing = await readModelJson(dir, files.preprocessor, openClipPreprocessing)
    const { image_size } = vision_cfg
    const [height, width] = typeof image_size === 'number' ? [image_size, image_size] : (image_size ?? [])
    const config: ModelConfig = {
      trainedWith: typeof init_logit_bias === 'number' ? 'sigmoid' : 'softmax',
      kind: 'SigLIP',
      embeddingSize: embed_dim,
      imageSize: height !== undefined && width !== undefined ? { height, width } : undefined,
      logitScale: undefined,
      textLength: text_cfg.context_length,
      padding: 'max-length',
      padId: 0,
      cleanUp: text_cfg.tokenizer_kwargs?.clean === 'canonicalize' ? 'canonical' : cleanUpOf(tokens),
    }
    return [config, preprocessing]
  }
  const config = await readModelJson(dir, files.config, modelConfig)
  const { model_type, padding, text_config, vision_config } = config
  const { image_size } = vision_config
  const paddedInTraining = padding === undefined ? model_type.startsWith('siglip') : padding === 'max_length'
  const read: ModelConfig = {
    trainedWith: model_type === 'clip' ? 'softmax' : 'sigmoid',
    kind: model_type,
    embeddingSize: config.projection_dim,
    imageSize: image_size === undefined ? undefined : { height: image_size, width: image_size },
    logitScale: config.logit_scale,
    textLength: text_config.max_position_embeddings,
    padding: paddedInTraining ? 'max-length' : 'none',
    padId: text_config.pad_token_id ?? 0,
    cleanUp: cleanUpOf(tokens),
  }
  return [read, await readModelJson(dir, files.preprocessor, preprocessorConfig)]
}

function cleanUpOf({ tokenizer_class }: TokenizerConfig): TextCleanUp {
  return tokenizer_class?.startsWith('CLIPTokenizer') ? 'clip' : 'none'
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
