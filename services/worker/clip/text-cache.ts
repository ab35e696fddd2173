import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { PromptEncoder } from './text-encoder.ts'

export type TextCache = {
  /** Unit embeddings, shape [dim], by text. Throws what the encoder throws. */
  embedAll(texts: string[]): Promise<Map<string, Float32Array>>
}

/**
 * Keeps the embeddings of texts in memory and, with a `dir`, in a file for each: policies load at once when a process starts again.
 * A file that is damaged, or cannot be read or written, is as good as none.
 */
export function createTextCache(
  encoder: Pick<PromptEncoder, 'embed'>,
  { revision }: { revision: string },
  { dir }: { dir?: string | undefined } = {},
): TextCache {
  const known = new Map<string, Float32Array>()
  const folder = dir === undefined ? undefined : path.join(dir, revision)
  const fileOf = (folder: string, text: string) => path.join(folder, `${sha256(text).toString('hex')}.f32`)

  async function recall(texts: string[]): Promise<void> {
    if (folder === undefined) return
    await Promise.all(
      texts.map(async (text) => {
        const embedding = await readEmbedding(fileOf(folder, text))
        if (embedding) known.set(text, embedding)
      }),
    )
  }

  async function learn(texts: string[]): Promise<void> {
    if (texts.length === 0) return
    const embeddings = await encoder.embed(texts)
    for (const [index, text] of texts.entries()) known.set(text, embeddings[index] as Float32Array)
    if (folder === undefined) return
    await Promise.allSettled(texts.map((text, index) => writeEmbedding(fileOf(folder, text), embeddings[index] as Float32Array)))
  }

  return {
    async embedAll(texts) {
      const missing = () => [...new Set(texts)].filter((text) => !known.has(text))
      await recall(missing())
      await learn(missing())
      return new Map(texts.map((text) => [text, known.get(text) as Float32Array]))
    },
  }
}

/** A file is the SHA-256 of the rest, then the values as the machine keeps them. */
const DIGEST_BYTES = 32

async function readEmbedding(file: string): Promise<Float32Array | undefined> {
  const bytes = await readFile(file).catch(() => undefined)
  const values = bytes?.subarray(DIGEST_BYTES)
  if (!bytes || !values || !sha256(values).equals(bytes.subarray(0, DIGEST_BYTES))) return undefined
  return new Float32Array(Uint8Array.from(values).buffer)
}

async function writeEmbedding(file: string, embedding: Float32Array): Promise<void> {
  const values = new Uint8Array(embedding.buffer, embedding.byteOffset, embedding.byteLength)
  const temporary = `${file}.${randomUUID()}`
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(temporary, Buffer.concat([sha256(values), values]))
  await rename(temporary, file)
}

function sha256(data: string | Uint8Array): Buffer {
  return createHash('sha256').update(data).digest()
}
