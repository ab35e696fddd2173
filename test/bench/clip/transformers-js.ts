import path from 'node:path'
import { takeTurns } from '../take-turns.ts'
import { requirePeer } from './peers.ts'

/**
 * The same work by transformers.js, from the file to the scores of the prompts: by its pipeline, as its documentation shows it, which reads the prompts with each
 * picture, or with 8 pictures a call; or as its makers would for speed, the image side alone in batches of 8 with the prompts embedded before; or only what comes
 * before the model.
 */
type Part = 'pipeline' | 'batched pipeline' | 'batches' | 'preprocessing'
type Args = { part: Part; dir: string; dtype: 'fp32' | 'q8'; prompts: string[]; files: string[] }

const BATCH = 8

const { part, dir, dtype, prompts, files } = JSON.parse(process.argv[2] ?? '') as Args
const { pipeline, env, RawImage, AutoProcessor, CLIPVisionModelWithProjection } = requirePeer('@huggingface/transformers')
env.allowRemoteModels = false
env.localModelPath = `${path.dirname(dir)}/`
const id = path.basename(dir)
const options = { dtype, device: 'cpu', session_options: { intraOpNumThreads: 1, interOpNumThreads: 1 } }

const parts: Record<Part, () => Promise<() => Promise<number>>> = {
  pipeline: () => byPipeline(1),
  'batched pipeline': () => byPipeline(BATCH),
  batches: byBatches,
  preprocessing,
}
let next = 0

await takeTurns(await parts[part]())

function nextFile(): string {
  return files[next++ % files.length] as string
}

/** The prompts are whole sentences: its own template would make others of them. */
async function byPipeline(batch: number): Promise<() => Promise<number>> {
  const classify = await pipeline('zero-shot-image-classification', id, options)
  return async () => {
    await classify(Array.from({ length: batch }, nextFile), prompts, { hypothesis_template: '{}' })
    return batch
  }
}

async function byBatches(): Promise<() => Promise<number>> {
  const processor = await AutoProcessor.from_pretrained(id)
  const vision = await CLIPVisionModelWithProjection.from_pretrained(id, options)
  const texts = prompts.map((_, prompt) => Float32Array.from({ length: 512 }, (_, i) => Math.sin(i * (prompt + 1))))
  return async () => {
    const images = await Promise.all(Array.from({ length: BATCH }, () => RawImage.read(nextFile())))
    const { image_embeds } = await vision(await processor(images))
    const data = image_embeds.data as Float32Array
    for (let image = 0; image < BATCH; image++)
      for (const text of texts) text.reduce((sum, value, i) => sum + value * (data[image * 512 + i] as number), 0)
    return BATCH
  }
}

async function preprocessing(): Promise<() => Promise<number>> {
  const processor = await AutoProcessor.from_pretrained(id)
  return async () => {
    await processor(await RawImage.read(nextFile()))
    return 1
  }
}
