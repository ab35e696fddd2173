import { readFile } from 'node:fs/promises'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { openModel } from '../../services/worker/clip/open-model.ts'
import { decodeImage } from '../../services/worker/image/decode-image.ts'
import { restrictSharp } from '../../services/worker/image/open-picture.ts'

/**
 * A process that runs one part of the work and nothing else, as fast as it can, on one thread:
 * `model SECONDS BATCH…` runs the session, `decode SECONDS FILE…` decodes. Sends images per second, by batch or altogether.
 * The bench starts one for each core at once, since cores share caches and memory.
 */
const [part, seconds, ...rest] = process.argv.slice(2)
const model = await openModel('embedded')
if (part === 'model') process.send?.(await modelRates(Number(seconds), rest.map(Number)))
else process.send?.([await decodeRate(Number(seconds), rest)])

async function modelRates(seconds: number, batches: number[]): Promise<number[]> {
  const session = await InferenceSession.create(await readFile(model.visionFile), { intraOpNumThreads: 1, interOpNumThreads: 1 })
  const { width, height } = model.preprocessing
  const rates: number[] = []
  for (const batch of batches) {
    const pixels = new Tensor('float32', new Float32Array(batch * 3 * height * width).fill(0.1), [batch, 3, height, width])
    rates.push(batch * (await runsPerSecond(seconds, () => session.run({ [session.inputNames[0] as string]: pixels }))))
  }
  return rates
}

async function decodeRate(seconds: number, files: string[]): Promise<number> {
  const { preprocessing } = model
  const settings = { preprocessing, mode: 'fast', maxPixels: 50_000_000 } as const
  restrictSharp({ avif: false })
  let next = 0
  return runsPerSecond(seconds, () => decodeImage(files[next++ % files.length] as string, settings))
}

async function runsPerSecond(seconds: number, run: () => Promise<unknown>): Promise<number> {
  await run()
  const startedAt = performance.now()
  let runs = 0
  do {
    await run()
    runs++
  } while (performance.now() - startedAt < seconds * 1000)
  return (1000 * runs) / (performance.now() - startedAt)
}
