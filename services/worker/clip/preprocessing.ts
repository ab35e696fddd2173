/** How a model wants its pictures, as its preprocessor_config.json says it. */
export type Preprocessing = {
  /** `shortest-edge` keeps the proportions and crops the centre; `squash` does not. */
  resize: { kind: 'shortest-edge'; edge: number } | { kind: 'squash' }
  /** Size of a view in pixels: the crop, or the squashed size. */
  width: number
  height: number
  resample: 'bicubic' | 'bilinear' | 'lanczos' | 'nearest'
  /** Multiplies a channel's value in 0 … 255; 1/255 for every published model. */
  rescaleFactor: number
  /** Per channel, R G B, after rescaling. */
  mean: [number, number, number]
  std: [number, number, number]
}

/** Part of an image as the model sees it: `pixels` is RGB, row by row, shape [height, width, 3]. */
export type View = { view: string; pixels: Uint8Array }
