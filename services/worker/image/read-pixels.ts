import type { Sharp } from 'sharp'
import type { Picture } from './open-picture.ts'
import type { Pixels } from './rgb-rows.ts'

/** Runs a pipeline over a frame of `picture` and gives its pixels: 8 bits, sRGB, or the inks of a CMYK picture that has no profile. */
export async function readPixels(picture: Picture, pipeline: Sharp): Promise<Pixels> {
  const { data, info } = await inColourSpace(picture, pipeline).raw().toBuffer({ resolveWithObject: true })
  const { width, height, channels } = info
  if (channels === 3) return { data, width, height, layout: 'rgb' }
  if (channels === 4) return { data, width, height, layout: picture.colour === 'cmyk-without-profile' ? 'cmyk' : 'rgba' }
  throw new Error(`unexpected number of channels: ${channels}`)
}

function inColourSpace(picture: Picture, pipeline: Sharp): Sharp {
  if (picture.colour === 'cmyk-without-profile') return pipeline.pipelineColourspace('cmyk').toColourspace('cmyk')
  return inSrgb(picture, pipeline)
}

/** Has `pipeline`, over a frame of `picture`, give 8 bits in sRGB; inks without a profile are taken for those of libvips' own. */
export function inSrgb({ colour }: Picture, pipeline: Sharp): Sharp {
  // sharp converts a profile of 16-bit colours to P3 and takes the result for sRGB; 8-bit ones it converts rightly.
  if (colour === 'sixteen-bit-rgb') return pipeline.pipelineColourspace('srgb').toColourspace('srgb')
  return pipeline.toColourspace('srgb')
}
