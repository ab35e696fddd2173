import { z } from 'zod'
import type { Preprocessing } from './preprocessing.ts'

const pixels = z.int().positive()
const rectangle = z.object({ height: pixels, width: pixels })
const channels = z.tuple([z.number(), z.number(), z.number()])

/** Pillow's codes, as preprocessor_config.json has them. Its box (4) and Hamming (5) no published model uses. */
const RESAMPLE = ['nearest', 'lanczos', 'bilinear', 'bicubic'] as const

/** The part of preprocessor_config.json that the image processors of CLIP and SigLIP read; what is absent has their defaults. */
const fields = z.object({
  do_resize: z.literal(true, { error: 'only true: pictures come in every size' }).default(true),
  size: z.union([pixels, z.object({ shortest_edge: pixels }), rectangle], {
    error: 'a number, { shortest_edge } or { height, width } is needed',
  }),
  resample: z.int().min(0).max(3).default(3),
  do_center_crop: z.boolean().optional(),
  crop_size: z.union([pixels, rectangle], { error: 'a number or { height, width } is needed' }).optional(),
  do_rescale: z.boolean().default(true),
  rescale_factor: z
    .number()
    .positive()
    .default(1 / 255),
  do_normalize: z.boolean().default(true),
  image_mean: channels.optional(),
  image_std: channels.refine((std) => std.every((each) => each > 0), 'must be above 0').optional(),
})

type Fields = z.infer<typeof fields>

/** preprocessor_config.json, read to what it means. */
export const preprocessorConfig = fields.transform((config, context): Preprocessing => {
  const wrong = (field: keyof Fields, message: string) => {
    context.addIssue({ code: 'custom', path: [field], message })
    return z.NEVER
  }
  const { size, do_normalize, image_mean, image_std } = config
  if (do_normalize && !image_mean) return wrong('image_mean', 'is missing')
  if (do_normalize && !image_std) return wrong('image_std', 'is missing')
  const values = {
    resample: RESAMPLE[config.resample] as Preprocessing['resample'],
    rescaleFactor: config.do_rescale ? config.rescale_factor : 1,
    mean: (do_normalize && image_mean) || ([0, 0, 0] as Preprocessing['mean']),
    std: (do_normalize && image_std) || ([1, 1, 1] as Preprocessing['std']),
  }
  const crops = config.do_center_crop ?? config.crop_size !== undefined
  if (crops && config.crop_size === undefined) return wrong('crop_size', 'is missing')
  const crop = crops && config.crop_size !== undefined ? toRectangle(config.crop_size) : undefined
  const edge = edgeOf(size, crops)

  if (edge === undefined) {
    const squashed = toRectangle(size as number | Rectangle)
    if (crop && (crop.height !== squashed.height || crop.width !== squashed.width))
      return wrong('crop_size', 'must be the size, which is given as { height, width }')
    return { resize: { kind: 'squash' }, ...squashed, ...values }
  }
  if (!crop) return wrong('do_center_crop', 'must be true: resizing by the shortest edge alone gives no fixed size')
  if (crop.height > edge || crop.width > edge) return wrong('crop_size', `must not be above the shortest edge, ${edge}`)
  return { resize: { kind: 'shortest-edge', edge }, ...crop, ...values }
})

type Rectangle = z.infer<typeof rectangle>

/** A bare number is the shortest edge for the processors that crop, and both sides for those that do not. */
function edgeOf(size: Fields['size'], cropped: boolean): number | undefined {
  if (typeof size === 'number') return cropped ? size : undefined
  return 'shortest_edge' in size ? size.shortest_edge : undefined
}

function toRectangle(size: number | Rectangle): Rectangle {
  return typeof size === 'number' ? { height: size, width: size } : { height: size.height, width: size.width }
}
