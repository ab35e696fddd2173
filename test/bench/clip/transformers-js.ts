import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { packageRoot } from '../../../services/core/infra/package-root.ts'
import { takeTurns } from '../take-turns.ts'

/**
 * The same work by transformers.js, from the file to the scores of the prompts: by its pipeline, which reads prompts with each picture; or as its makers would for
 * speed, the image side alone in batches of 8 with the prompts embedded before; or only what comes before the model.
 */
type Args = { part: 'pipeline' | 'batches' | 'preprocess'; dir: string; dtype: 'fp32' | 'q8'; prompts: string[]; files: string[] }

const BATCH = 8

const { part, dir, dtype, prompts, files } = JSON.parse(process.argv[2] ?? '') as Args
const name = '@huggingface/transformers'
const resolved = createRequire(path.join(packageRoot, 'test/bench/package.json')).resolve(name)
const { pipeline, env, RawImage, AutoProcessor, CLIPVisionModelWithProjection } = await import(pathToFileURL(resolved).href)
env.allowRemoteModels = false
env.localModelPath = `${path.dirname(dir)}/`
const id = path.basename(dir)
const options = { dtype, device: 'cpu', session_options: { intraOpNumThreads: 1, interOpNumThreads: 1 } }

await takeTurns(await { pipeline: byPipeline, batches: byBatches, preprocess: preprocessing }[part]())

async function byPipeline(): Promise<() => Promise<number>> {
  const classify = await pipeline('zero-shot-image-classification', id, options)
  return async () => {
    for (const file of files) await classify(await RawImage.read(file), prompts, { hypothesis_template: '{}' })
    return files.length
  }
}

async function byBatches(): Promise<() => Promise<number>> {
  const processor = await AutoProcessor.from_pretrained(id)
  const vision = await CLIPVisionModelWithProjection.from_pretrained(id, options)
  const texts = prompts.map((_, prompt) => Float32Array.from({ length: 512 }, (_, i) => Math.sin(i * (prompt + 1))))
  return async () => {
    const images = await Promise.all(Array.from({ length: BATCH }, (_, i) => RawImage.read(files[i % files.length])))
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
    for (const file of files) await processor(await RawImage.read(file))
    return files.length
  }
}
