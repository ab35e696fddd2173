import { describe, expect, test } from 'vitest'
import { preprocessorConfig } from '../../services/worker/clip/read-preprocessing.ts'

const mean = [0.48145466, 0.4578275, 0.40821073]
const std = [0.26862954, 0.26130258, 0.27577711]
const values = { resample: 'bicubic', rescaleFactor: 1 / 255, mean, std }

describe('the files of published models are read to what they mean', () => {
  test('openai/clip-vit-base-patch32, with bare numbers and without rescaling', () => {
    const file = {
      crop_size: 224,
      do_center_crop: true,
      do_normalize: true,
      do_resize: true,
      feature_extractor_type: 'CLIPFeatureExtractor',
      image_mean: mean,
      image_std: std,
      resample: 3,
      size: 224,
    }
    expect(preprocessorConfig.parse(file)).toEqual({
      resize: { kind: 'shortest-edge', edge: 224 },
      width: 224,
      height: 224,
      ...values,
    })
  })

  test('a crop smaller than the shortest edge, bilinear, not normalised', () => {
    const file = {
      crop_size: { height: 224, width: 192 },
      do_center_crop: true,
      do_normalize: false,
      image_mean: mean,
      image_std: std,
      resample: 2,
      rescale_factor: 1 / 127.5,
      size: { shortest_edge: 256 },
    }
    expect(preprocessorConfig.parse(file)).toEqual({
      resize: { kind: 'shortest-edge', edge: 256 },
      width: 192,
      height: 224,
      resample: 'bilinear',
      rescaleFactor: 1 / 127.5,
      mean: [0, 0, 0],
      std: [1, 1, 1],
    })
  })

  test('google/siglip-base-patch16-384 squashes', () => {
    const file = { image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5], size: { height: 384, width: 384 } }
    expect(preprocessorConfig.parse(file)).toMatchObject({ resize: { kind: 'squash' }, width: 384, height: 384 })
  })

  test('a bare number without a crop is both sides', () => {
    const file = { size: 384, do_center_crop: false, crop_size: 224, image_mean: mean, image_std: std }
    expect(preprocessorConfig.parse(file)).toMatchObject({ resize: { kind: 'squash' }, width: 384, height: 384 })
  })

  test('bytes that are not rescaled', () => {
    const file = { size: 224, crop_size: 224, do_rescale: false, image_mean: [127, 127, 127], image_std: [1, 1, 1] }
    expect(preprocessorConfig.parse(file)).toMatchObject({ rescaleFactor: 1, mean: [127, 127, 127] })
  })
})

describe('what cannot be followed is refused by its field', () => {
  const good = { size: { shortest_edge: 224 }, crop_size: 224, image_mean: mean, image_std: std }
  const cases: [string, object, string][] = [
    ['no size', { size: undefined }, 'size'],
    ['a size by its longest edge', { size: { longest_edge: 224 } }, 'size'],
    ['pictures of their own sizes', { do_resize: false }, 'do_resize'],
    ['no fixed size', { do_center_crop: false }, 'do_center_crop'],
    ['a crop without a size', { do_center_crop: true, crop_size: undefined }, 'crop_size'],
    ['a crop that is larger than the picture', { crop_size: 256 }, 'crop_size'],
    ['a crop of a squashed picture', { size: { height: 256, width: 256 } }, 'crop_size'],
    ["Pillow's box filter", { resample: 4 }, 'resample'],
    ['no mean', { image_mean: undefined }, 'image_mean'],
    ['a spread of 0', { image_std: [1, 0, 1] }, 'image_std'],
    ['two channels', { image_mean: [0.5, 0.5] }, 'image_mean'],
  ]
  for (const [what, change, field] of cases)
    test(what, () => {
      const parsed = preprocessorConfig.safeParse({ ...good, ...change })
      expect(parsed.error?.issues.map(({ path }) => path[0])).toEqual([field])
    })
})
