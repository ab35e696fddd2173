/** How a model's folder is laid out: as the hub's exports for transformers.js are, or as immich's are. */
export type ModelLayout = 'transformers.js' | 'immich'

/** What the numbers of a graph are, by the names that transformers.js gives them. */
export const DTYPES = ['fp32', 'fp16', 'q8', 'int8', 'uint8', 'q4', 'q4f16', 'bnb4'] as const
export type Dtype = (typeof DTYPES)[number]

/** The files of a model, by their paths in its folder. */
export type ModelFiles = {
  layout: ModelLayout
  config: string
  preprocessor: string
  tokenizer: string
  tokenizerConfig: string
  vision: string
  text: string
  /** Weights that large graphs keep beside them. */
  weights: string[]
}

type Sides = { vision: string; text: string }

const SETTINGS = {
  'transformers.js': {
    config: 'config.json',
    preprocessor: 'preprocessor_config.json',
    tokenizer: 'tokenizer.json',
    tokenizerConfig: 'tokenizer_config.json',
  },
  immich: {
    config: 'config.json',
    preprocessor: 'visual/preprocess_cfg.json',
    tokenizer: 'textual/tokenizer.json',
    tokenizerConfig: 'textual/tokenizer_config.json',
  },
} as const

/** Paths of the graphs without their suffix and `.onnx`. */
const GRAPHS: Record<ModelLayout, Sides> = {
  'transformers.js': { vision: 'onnx/vision_model', text: 'onnx/text_model' },
  immich: { vision: 'visual/model', text: 'textual/model' },
}

/** The layout that a list of paths shows by its image graph, in whatever dtype; undefined for neither. */
export function layoutOf(paths: string[]): ModelLayout | undefined {
  const layouts = Object.keys(GRAPHS) as ModelLayout[]
  return layouts.find((layout) => DTYPES.some((dtype) => paths.includes(graphOf(layout, 'vision', dtype))))
}

/** The files of a model in one dtype; `paths`, where its folder was listed, tell of weights beside the graphs. */
export function filesOf(layout: ModelLayout, dtype: Dtype, paths: string[] = []): ModelFiles {
  return withGraphs(layout, { vision: graphOf(layout, 'vision', dtype), text: graphOf(layout, 'text', dtype) }, paths)
}

/** The same for graphs that are known by their paths. */
export function withGraphs(layout: ModelLayout, { vision, text }: Sides, paths: string[]): ModelFiles {
  const weights = paths.filter((path) => [vision, text].some((graph) => path.startsWith(graph) && path !== graph))
  return { layout, ...SETTINGS[layout], vision, text, weights: weights.sort() }
}

/** Every path of `files`, sorted. */
export function pathsOf({ layout: _, weights, ...named }: ModelFiles): string[] {
  return [...Object.values(named), ...weights].sort()
}

/** The dtypes in which a list of paths has one side of a model. */
export function dtypesOf(layout: ModelLayout, side: keyof Sides, paths: string[]): Dtype[] {
  return DTYPES.filter((dtype) => paths.includes(graphOf(layout, side, dtype)))
}

export function graphOf(layout: ModelLayout, side: keyof Sides, dtype: Dtype): string {
  return `${GRAPHS[layout][side]}${suffixOf(dtype)}.onnx`
}

/** The folder of a model's int8 that was made here. Not that of the hub's int8, which is another. */
export function quantisedName(folder: string): string {
  return `${folder}-quantised`
}

function suffixOf(dtype: Dtype): string {
  if (dtype === 'fp32') return ''
  return dtype === 'q8' ? '_quantized' : `_${dtype}`
}
