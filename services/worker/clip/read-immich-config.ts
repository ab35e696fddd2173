import { z } from 'zod'
import type { Preprocessing } from './preprocessing.ts'

const pixels = z.int().positive()
const channels = z.tuple([z.number(), z.number(), z.number()])

/** open_clip's own description of a model, which immich's exports carry. */
export const openClipConfig = z.object({
  embed_dim: pixels,
  /** Only models trained with a sigmoid have one; it is where training began. */
  init_logit_bias: z.number().nullish(),
  vision_cfg: z.object({ image_size: z.union([pixels, z.tuple([pixels, pixels])]).optional() }),
  text_cfg: z.object({
    context_length: pixels.default(77),
    tokenizer_kwargs: z.object({ clean: z.string().optional() }).optional(),
  }),
})

/** visual/preprocess_cfg.json, read to what it means. */
export const openClipPreprocessing = z
  .object({
    size: z.union([pixels, z.tuple([pixels, pixels])]),
    mode: z.literal('RGB').default('RGB'),
    mean: channels,
    std: channels.refine((std) => std.every((each) => each > 0), 'must be above 0'),
    interpolation: z.enum(['bicubic', 'bilinear', 'random'], 'bicubic or bilinear is needed').default('bicubic'),
    resize_mode: z.enum(['shortest', 'squash'], 'shortest or squash is needed').default('shortest'),
  })
  .transform(({ size, mean, std, interpolation, resize_mode }, context): Preprocessing => {
    const [height, width] = typeof size === 'number' ? [size, size] : size
    if (resize_mode === 'shortest' && height !== width) {
      context.addIssue({ code: 'custom', path: ['size'], message: 'must be square where resize_mode is shortest' })
      return z.NEVER
    }
    return {
      resize: resize_mode === 'squash' ? { kind: 'squash' } : { kind: 'shortest-edge', edge: height },
      height,
      width,
      // At random is how some were trained; open_clip takes bicubic of it.
      resample: interpolation === 'bilinear' ? 'bilinear' : 'bicubic',
      rescaleFactor: 1 / 255,
      mean,
      std,
    }
  })
