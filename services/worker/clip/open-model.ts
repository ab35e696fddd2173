import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import type { ScoringModel } from '../../core/domain/compile-policy.ts'
import { AppError } from '../../core/domain/errors.ts'
import { packageRoot } from '../../core/infra/package-root.ts'
import { modelRevision } from './model-revision.ts'
import type { Preprocessing } from './preprocessing.ts'
import { readModelJson } from './read-model-json.ts'
import { preprocessorConfig } from './read-preprocessing.ts'

/** An image-text model as its folder describes it: plain data, its graphs not yet loaded. */
export type Model = {
  /** The folder's name, by which policies and decisions call the model. */
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
  /** `clip` for CLIP's own clean-up before the split into tokens. */
  cleanUp: 'none' | 'clip'
}

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

type ModelConfig = z.infer<typeof modelConfig>
type Calibration = z.infer<typeof calibration>

/** The published models of the family were clipped there (CLIP, section 2.5); their `logit_scale_init_value` is only where training began. */
const CLIP_LOGIT_SCALE = 100

/**
 * Opens a model by its folder, or by the name of one under models/. The folder is laid out as the hub's ONNX exports are, with an optional
 * calibration.json. Throws AppError `invalid-model` that says which file and field is missing or wrong.
 */
export async function openModel(idOrFolder: string): Promise<Model> {
  const dir = await modelDir(idOrFolder)
  const id = path.basename(dir)
  const [config, preprocessing, tokens, calibrated] = await Promise.all([
    readModelJson(dir, 'config.json', modelConfig),
    readModelJson(dir, 'preprocessor_config.json', preprocessorConfig),
    readModelJson(dir, 'tokenizer_config.json', tokenizerConfig),
    existsSync(path.join(dir, 'calibration.json')) ? readModelJson(dir, 'calibration.json', calibration) : {},
    readModelJson(dir, 'tokenizer.json', tokenizer),
  ])
  checkSizes(dir, config, preprocessing)
  const revision = await modelRevision(dir)
  const { scoring, warnings } = scoringOf({ id, revision }, config, calibrated)
  return {
    id,
    dir,
    revision,
    preprocessing,
    scoring,
    embeddingSize: config.projection_dim,
    visionFile: path.join(dir, 'onnx/vision_model.onnx'),
    text: textSettings(dir, config, tokens),
    warnings,
  }
}

/** What is written like a path is one; a bare name is first looked for under models/. */
async function modelDir(idOrFolder: string): Promise<string> {
  const models = path.join(packageRoot, 'models')
  const isPath = /[/\\]/.test(idOrFolder) || idOrFolder.startsWith('.')
  const candidates = [...(isPath ? [] : [path.join(models, idOrFolder)]), path.resolve(idOrFolder)]
  const found = candidates.find((dir) => existsSync(dir))
  if (found !== undefined) return found
  const known = await readdir(models, { withFileTypes: true })
  const ids = known.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  throw new AppError('invalid-model', `there is no model "${idOrFolder}": it is neither a folder nor one of ${ids.join(', ')}`)
}

function checkSizes(dir: string, { vision_config: { image_size } }: ModelConfig, { width, height }: Preprocessing): void {
  if (image_size === undefined || (image_size === width && image_size === height)) return
  throw new AppError(
    'invalid-model',
    `${path.join(dir, 'preprocessor_config.json')} makes pictures of ${width} × ${height}, but config.json: vision_config: image_size is ${image_size}`,
  )
}

function scoringOf(
  model: { id: string; revision: string },
  config: ModelConfig,
  { logit_scale, logit_bias, background_cosine }: Calibration,
): Pick<Model, 'scoring' | 'warnings'> {
  const scale = config.logit_scale ?? logit_scale
  const warnings = []
  if (config.model_type !== 'clip' && (scale === undefined || logit_bias === undefined))
    warnings.push(
      `a ${config.model_type} model needs logit_scale and logit_bias in its calibration.json: without a bias sigmoid rules flag everything, without a scale ${CLIP_LOGIT_SCALE} is taken`,
    )
  const scoring = {
    ...model,
    logitScale: scale ?? CLIP_LOGIT_SCALE,
    logitBias: logit_bias,
    backgroundCosine: background_cosine,
  }
  return { scoring, warnings }
}

function textSettings(dir: string, config: ModelConfig, tokens: z.infer<typeof tokenizerConfig>): TextSettings {
  const { model_type, padding, text_config } = config
  const limits = [tokens.model_max_length, text_config.max_position_embeddings].filter((limit) => limit !== undefined)
  const maxLength = Math.min(...limits)
  if (!Number.isSafeInteger(maxLength))
    throw new AppError(
      'invalid-model',
      `${path.join(dir, 'tokenizer_config.json')}: model_max_length: is missing, and config.json has no text_config: max_position_embeddings`,
    )
  const paddedInTraining = padding === undefined ? model_type.startsWith('siglip') : padding === 'max_length'
  return {
    file: path.join(dir, 'onnx/text_model.onnx'),
    tokenizerFile: path.join(dir, 'tokenizer.json'),
    tokenizerConfigFile: path.join(dir, 'tokenizer_config.json'),
    maxLength,
    padding: paddedInTraining ? 'max-length' : 'none',
    padToken: tokens.pad_token ?? undefined,
    padId: text_config.pad_token_id ?? 0,
    cleanUp: tokens.tokenizer_class?.startsWith('CLIPTokenizer') ? 'clip' : 'none',
  }
}
