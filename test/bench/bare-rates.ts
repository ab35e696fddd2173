import { fork } from 'node:child_process'
import os from 'node:os'
import path from 'node:path'
import { HUGE_PAGES } from '../../services/core/infra/huge-pages.ts'
import { sum } from './cpu-time.ts'

/** Images per second and core. */
export type BareRates = { modelPerCore: Record<number, number>; bestBatch: number; decodePerCore: number }

const BATCHES = [1, 4, 8]
const SECONDS = 3

/** What the model alone and decoding alone come to, while every core does the same. `dir` is for what is made on the way. */
export async function bareRates({ model, dir, files }: { model: string; dir: string; files: string[] }): Promise<BareRates> {
  const graphs = path.join(dir, 'graphs')
  // The first makes the edited graph.
  await run([model, graphs, 'model', '0', '1'])
  const byBatch = await onEveryCore([model, graphs, 'model', String(SECONDS), ...BATCHES.map(String)])
  const [decodePerCore = 0] = await onEveryCore([model, graphs, 'decode', String(SECONDS), ...files])
  const best = Math.max(...byBatch)
  return {
    modelPerCore: Object.fromEntries(BATCHES.map((batch, index) => [batch, byBatch[index] as number])),
    bestBatch: BATCHES[byBatch.indexOf(best)] as number,
    decodePerCore,
  }
}

/** The seconds that an image takes a core, with nothing around the model and the decoder. */
export function secondsPerImage({ modelPerCore, bestBatch, decodePerCore }: BareRates): number {
  return 1 / (modelPerCore[bestBatch] as number) + 1 / decodePerCore
}

/** The mean over the cores of what each process sends. */
async function onEveryCore(args: string[]): Promise<number[]> {
  const rates = await Promise.all(Array.from({ length: os.availableParallelism() }, () => run(args)))
  return (rates[0] ?? []).map((_, index) => sum(rates.map((each) => each[index] as number)) / rates.length)
}

function run(args: string[]): Promise<number[]> {
  const child = fork(path.join(import.meta.dirname, 'bare-parts.js'), args, { env: { ...process.env, ...HUGE_PAGES } })
  return new Promise<number[]>((resolve, reject) => {
    child.once('message', (message) => resolve(message as number[]))
    child.once('exit', (code) => reject(new Error(`${args[2]} ended with ${code}`)))
  })
}
