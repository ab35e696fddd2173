import { openModel } from '../../services/worker/clip/open-model.ts'
import { openVision } from '../../services/worker/clip/open-vision.ts'
import { refuseTelemetry } from '../../services/worker/clip/refuse-telemetry.ts'
import { decodeImage } from '../../services/worker/image/decode-image.ts'
import { restrictSharp } from '../../services/worker/image/open-picture.ts'

/**
 * A process that runs one part of the work and nothing else, as fast as it can, on one thread: `MODEL GRAPHS model SECONDS BATCH…` runs the model's image side,
 * `MODEL GRAPHS decode SECONDS FILE…` decodes. Sends images per second, by batch or altogether. The bench starts one for each core at once, since cores share
 * caches and memory.
 */
refuseTelemetry()
const [name = '', graphDir, part, seconds, ...rest] = process.argv.slice(2)
const model = await openModel(name)
if (part === 'model') process.send?.(await modelRates(Number(seconds), rest.map(Number)))
else process.send?.([await decodeRate(Number(seconds), rest)])

async function modelRates(seconds: number, batches: number[]): Promise<number[]> {
  const session = await openVision(model, { threads: 1, graphDir })
  const { width, height } = model.preprocessing
  const rates: number[] = []
  for (const batch of batches) {
    const views = Array.from({ length: batch }, (_, view) => new Uint8Array(3 * height * width).fill(view))
    rates.push(batch * (await runsPerSecond(seconds, () => session.embed(views))))
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
