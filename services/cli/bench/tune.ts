import os from 'node:os'
import path from 'node:path'
import { createImageEncoder } from '../../worker/clip/image-encoder.ts'
import type { Model } from '../../worker/clip/open-model.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { openCommandModel } from '../open-command-model.ts'
import { type Env, readSettings, type SettingOptions } from '../settings.ts'
import { textTable } from '../text-table.ts'
import { writeOutput } from '../write-output.ts'
import { type Advice, advise, type Measured } from './advise.ts'

export type TuneOptions = SettingOptions & { seconds: number; json?: boolean }

const BATCHES = [1, 2, 4, 8, 16, 32]

/** Runs the model in batches of several sizes, and prints the settings with which this machine embeds most. Throws AppError `invalid-config` or `invalid-model`. */
export async function tune(options: TuneOptions, env: Env): Promise<ExitCode> {
  const config = readSettings(env, options)
  const model = await openCommandModel(config)
  const cores = os.availableParallelism()
  const measured: Measured[] = []
  for (const threads of new Set([1, cores])) {
    const workers = Math.floor(cores / threads)
    const encoders = Array.from({ length: workers }, () =>
      createImageEncoder(model, {
        threads,
        providers: config.executionProviders,
        graphDir: path.join(config.dataDir, 'graphs'),
      }),
    )
    try {
      // One after the other: the first edits the graph for all.
      for (const encoder of encoders) await encoder.ready()
      for (const batch of BATCHES)
        measured.push({ threads, workers, batch, ...(await measure(encoders, model, batch, options.seconds)) })
    } finally {
      await Promise.all(encoders.map((encoder) => encoder.close()))
    }
  }
  const advice = advise(measured)
  await writeOutput(
    options.json ? `${JSON.stringify({ model: model.id, measured, advice }, undefined, 2)}\n` : tableOf(measured, advice),
  )
  return EXIT.ok
}

type Encoder = ReturnType<typeof createImageEncoder>

/** As many workers as there will be, all at once: they share caches and memory. */
async function measure(encoders: Encoder[], { preprocessing }: Model, batch: number, seconds: number) {
  const size = 3 * preprocessing.width * preprocessing.height
  const run = (encoder: Encoder) => encoder.encode(Array.from({ length: batch }, (_, view) => new Uint8Array(size).fill(view)))
  await Promise.all(encoders.map(run))
  const startedAt = performance.now()
  const runs = await Promise.all(
    encoders.map(async (encoder) => {
      let count = 0
      do {
        await run(encoder)
        count++
      } while (performance.now() - startedAt < 1000 * seconds)
      return count
    }),
  )
  const ms = performance.now() - startedAt
  const total = runs.reduce((sum, count) => sum + count, 0)
  return { imagesPerSecond: (1000 * total * batch) / ms, msPerRun: (ms * encoders.length) / total }
}

function tableOf(measured: Measured[], { settings, why }: Advice): string {
  const rows = measured.map(({ workers, threads, batch, imagesPerSecond, msPerRun }) => [
    String(workers),
    String(threads),
    String(batch),
    imagesPerSecond.toFixed(1),
    msPerRun.toFixed(1),
  ])
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}`)
  return `${textTable(['WORKERS', 'THREADS', 'BATCH', 'IMAGES/S', 'MS A RUN'], rows)}\n${why}\n\n${lines.join('\n')}\n`
}
