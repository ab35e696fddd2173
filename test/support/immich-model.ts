import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import {
  FLOAT,
  INT64,
  makeNode,
  parseOnnx,
  replaceInput,
  serialiseOnnx,
  tensorInput,
} from '../../services/worker/clip/graph/onnx-model.ts'
import { copyTinyModel } from './parity.ts'

const INT32 = 6
/** Of the graph, in ONNX's own format. */
const OUTPUT_FIELD = 12

type Tensor = { name: string; type: number; shape: (number | string)[] }

/**
 * The tiny CLIP in the folder `to`, laid out as immich's exports are, in names, types and fixed shapes: `image` float32 [1, 3, 224, 224], `text` int32
 * [1, 77], `embedding`.
 */
export async function copyImmichModel(to: string): Promise<string> {
  await copyTinyModel('tiny-clip', to)
  const at = (name: string) => path.join(to, name)
  await Promise.all([mkdir(at('visual')), mkdir(at('textual'))])
  const image = { name: 'image', type: FLOAT, shape: [1, 3, 224, 224] }
  const text = { name: 'text', type: INT32, shape: [1, 77] }
  await wrapGraph(at('onnx/vision_model.onnx'), at('visual/model.onnx'), image, ['pixel_values', FLOAT], 'image_embeds')
  await wrapGraph(at('onnx/text_model.onnx'), at('textual/model.onnx'), text, ['input_ids', INT64], 'text_embeds')
  for (const name of ['tokenizer.json', 'tokenizer_config.json']) await rename(at(name), at(`textual/${name}`))
  await writeJson(at('config.json'), {
    embed_dim: 32,
    vision_cfg: { image_size: 224, layers: 2, width: 32, patch_size: 32 },
    text_cfg: { context_length: 77, vocab_size: 49408, width: 16, heads: 2, layers: 2 },
  })
  await writeJson(at('visual/preprocess_cfg.json'), {
    size: [224, 224],
    mode: 'RGB',
    mean: [0.48145466, 0.4578275, 0.40821073],
    std: [0.26862954, 0.26130258, 0.27577711],
    interpolation: 'bicubic',
    resize_mode: 'shortest',
    fill_color: 0,
  })
  return to
}

async function wrapGraph(
  from: string,
  to: string,
  input: Tensor,
  [inner, innerType]: [string, number],
  output: string,
): Promise<void> {
  const model = parseOnnx(await readFile(from))
  const taking = replaceInput(model, inner, tensorInput(input.name, input.type, input.shape))
  const giving = { ...tensorInput('embedding', FLOAT, ['batch', 32]), number: OUTPUT_FIELD }
  const graph = taking.graph.map((field) => (field.number === OUTPUT_FIELD ? giving : field))
  const nodes = [
    makeNode('Cast', [input.name], inner, { to: innerType }),
    ...taking.nodes,
    makeNode('Identity', [output], 'embedding'),
  ]
  await writeFile(to, Buffer.concat(serialiseOnnx({ ...taking, graph, nodes })))
}

async function writeJson(file: string, content: object): Promise<void> {
  await writeFile(file, JSON.stringify(content))
}
