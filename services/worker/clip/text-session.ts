import { Tensor } from 'onnxruntime-node'
import { AppError } from '../../core/domain/errors.ts'
import { normalise } from '../../core/domain/vector.ts'
import type { Model } from './open-model.ts'
import { embeddingOutput, fixedSize, openSession, type TensorInfo } from './open-session.ts'
import { rowsOf } from './rows-of.ts'
import { openTokenizer, type Tokens } from './tokenizer.ts'

/** Unit embeddings, shape [dim], of prompts. */
export type TextSession = { embed(texts: string[]): Promise<Float32Array[]> }

type Shape = [batch: number, length: number]

const MAX_BATCH = 32
const MASK = 'attention_mask'

/** Loads a model's text side. Throws AppError `invalid-model` when the graph is not what the model's files say. */
export async function openTextSession({ text, embeddingSize }: Model, threads: number): Promise<TextSession> {
  const { session, inputs, outputs } = await openSession(text.file, { threads })
  const ids = tokenInput(text.file, inputs)
  const output = embeddingOutput(text.file, outputs, 'text_embeds', embeddingSize)
  const [fixedBatch, fixedLength] = [fixedSize(ids.shape[0]), fixedSize(ids.shape[1])]
  const tokenizer = await openTokenizer({ ...text, maxLength: Math.min(text.maxLength, fixedLength ?? text.maxLength) })

  async function run(batch: Tokens[]): Promise<Float32Array[]> {
    const shape: Shape = [fixedBatch ?? batch.length, fixedLength ?? batch[0]?.ids.length ?? 0]
    const feeds = Object.fromEntries(inputs.map((input) => [input.name, tensorOf(input, batch, shape, tokenizer.padId)]))
    return rowsOf((await session.run(feeds, [output]))[output], batch.length).map(normalise)
  }

  return {
    async embed(texts) {
      const tokens = texts.map((each) => tokenizer.encode(each))
      const embeddings: Float32Array[] = []
      for (const batch of batchesOf(tokens, fixedBatch ?? MAX_BATCH)) {
        const rows = await run(batch.map((index) => tokens[index] as Tokens))
        for (const [row, index] of batch.entries()) embeddings[index] = rows[row] as Float32Array
      }
      return embeddings
    },
  }
}

/** Indexes of texts to run together. Only texts of one length share a batch: nothing is padded for a neighbour's sake, so no result depends on one. */
function batchesOf(tokens: Tokens[], maxBatch: number): number[][] {
  const open = new Map<number, number[]>()
  const batches: number[][] = []
  for (const [index, { ids }] of tokens.entries()) {
    const batch = open.get(ids.length)
    if (batch && batch.length < maxBatch) batch.push(index)
    else {
      const next = [index]
      batches.push(next)
      open.set(ids.length, next)
    }
  }
  return batches
}

/** Rows and places that a graph of a fixed shape has too many are padding. */
function tensorOf({ name, type }: TensorInfo, rows: Tokens[], [batch, length]: Shape, padId: number): Tensor {
  const valueAt =
    name !== MASK
      ? (row: Tokens | undefined, place: number) => row?.ids[place] ?? padId
      : (row: Tokens | undefined, place: number) => (row && place < row.length ? 1 : 0)
  const values = Array.from({ length: batch * length }, (_, i) => valueAt(rows[Math.floor(i / length)], i % length))
  return type === 'int64'
    ? new Tensor('int64', BigInt64Array.from(values, BigInt), [batch, length])
    : new Tensor('int32', Int32Array.from(values), [batch, length])
}

/** transformers calls it `input_ids`, open_clip `text`. */
function tokenInput(file: string, inputs: TensorInfo[]): TensorInfo {
  const [ids, ...others] = inputs.filter(({ name }) => name !== MASK)
  if (ids && others.length === 0 && inputs.every(({ type }) => type === 'int32' || type === 'int64')) return ids
  const found = inputs.map(({ name, type }) => `${name} (${type})`).join(', ')
  throw new AppError('invalid-model', `${file} must take int32 or int64 input_ids and at most ${MASK}, not ${found}`)
}
