import { z } from 'zod'
import type { ModelFiles } from '../../core/domain/model-files.ts'
import type { Preprocessing } from './preprocessing.ts'
import { openClipConfig, openClipPreprocessing } from './read-immich-config.ts'
import { readModelJson } from './read-model-json.ts'
import { preprocessorConfig } from './read-preprocessing.ts'

/**
 * Before the split into tokens: `clip` is CLIP's own, `canonical` open_clip's for SigLIP (lower case, no punctuation), `lower-case` what SigLIP 2 was
 * trained with.
 */
export type TextCleanUp = 'none' | 'clip' | 'canonical' | 'lower-case'

/** What the configuration of either layout says. */
export type ModelConfig = {
  /** `softmax` for CLIP and its kin, `sigmoid` for SigLIP's. */
  trainedWith: 'softmax' | 'sigmoid'
  kind: string
  embeddingSize: number | undefined
  imageSize: { height: number; width: number } | undefined
  logitScale: number | undefined
  textLength: number | undefined
  padding: 'none' | 'max-length'
  padId: number
  cleanUp: TextCleanUp
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

export const tokenizerConfig = z.object({
  tokenizer_class: z.string().optional(),
  /** Files that know no limit write 1e30. */
  model_max_length: z.number().positive().optional(),
  pad_token: z
    .union([z.string(), z.object({ content: z.string() })])
    .transform((token) => (typeof token === 'string' ? token : token.content))
    .nullish(),
})

export type TokenizerConfig = z.infer<typeof tokenizerConfig>
type Read = [ModelConfig, Preprocessing]

/** Reads how a model is made and what it wants to see. Throws AppError `invalid-model` that names the file and every field that is wrong. */
export function readModelConfig(dir: string, files: ModelFiles, tokens: TokenizerConfig): Promise<Read> {
  return files.layout === 'immich' ? readOpenClip(dir, files, tokens) : readTransformers(dir, files, tokens)
}

async function readOpenClip(dir: string, files: ModelFiles, tokens: TokenizerConfig): Promise<Read> {
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

async function readTransformers(dir: string, files: ModelFiles, tokens: TokenizerConfig): Promise<Read> {
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
