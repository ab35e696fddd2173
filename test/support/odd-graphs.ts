import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import {
  FLOAT,
  FLOAT16,
  inputsOf,
  makeNode,
  type OnnxModel,
  onlyOutput,
  parseOnnx,
  replaceInput,
  serialiseOnnx,
  tensorInput,
} from '../../services/worker/clip/graph/onnx-model.ts'
import { type Field, integer, message, readFields, text } from '../../services/worker/clip/graph/wire-format.ts'

const [INITIALIZER, OUTPUT] = [5, 12]
const TENSOR = { raw: 9, external: 13, location: 14 }
const BESIDE = 1

async function rewrite(graph: string, edit: (model: OnnxModel) => OnnxModel): Promise<void> {
  await writeFile(graph, serialiseOnnx(edit(parseOnnx(await readFile(graph)))))
}

/** Moves a graph's weights into a file beside it, as exports of large models have them. Resolves to that file. */
export async function putWeightsBeside(graph: string): Promise<string> {
  const weights = `${graph}_data`
  const parts: Buffer[] = []
  let offset = 0
  const moved = (field: Field): Field => {
    if (field.number !== INITIALIZER || field.kind !== 'bytes') return field
    const tensor = readFields(field.value)
    const raw = tensor.find(({ number }) => number === TENSOR.raw)
    if (raw?.kind !== 'bytes' || raw.value.length < 1024) return field
    const place = { location: path.basename(weights), offset: String(offset), length: String(raw.value.length) }
    parts.push(raw.value)
    offset += raw.value.length
    return message(INITIALIZER, [
      ...tensor.filter((each) => each !== raw),
      ...Object.entries(place).map(([key, value]) => message(TENSOR.external, [text(1, key), text(2, value)])),
      integer(TENSOR.location, BESIDE),
    ])
  }
  await rewrite(graph, (model) => ({ ...model, graph: model.graph.map(moved) }))
  await writeFile(weights, parts)
  return weights
}

/** Lets a graph take and give halves, as exports of half precision do. */
export async function takeAndGiveHalves(graph: string): Promise<void> {
  await rewrite(graph, (model) => {
    const [input] = inputsOf(model)
    if (!input) throw new Error(`${graph} has no input`)
    const taking = replaceInput(
      onlyOutput(model, 'image_embeds'),
      input.name,
      tensorInput('halves', FLOAT16, ['batch', 3, 224, 224]),
    )
    const output = { ...tensorInput('half_embeds', FLOAT16, ['batch', 32]), number: OUTPUT }
    return {
      ...taking,
      graph: [...taking.graph.filter(({ number }) => number !== OUTPUT), output],
      nodes: [
        makeNode('Cast', ['halves'], input.name, { to: FLOAT }),
        ...taking.nodes,
        makeNode('Cast', ['image_embeds'], 'half_embeds', { to: FLOAT16 }),
      ],
    }
  })
}
