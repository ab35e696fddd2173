import path from 'node:path'
import type { Config } from '../../core/infra/config.ts'
import type { ExecutionProvider } from '../../core/infra/execution-providers.ts'
import { usableCores } from '../../core/infra/usable-cores.ts'
import { createImageEncoder, type ImageEncoder } from '../../worker/clip/image-encoder.ts'
import type { Model } from '../../worker/clip/open-model.ts'
import type { Measured } from '../../worker/clip/tuning/choose-batching.ts'
import { batchesFor } from '../../worker/clip/tuning/probe.ts'
import { keepTuning, type Tuning, type TuningFile, tuningFileOf } from '../../worker/clip/tuning/tuning-file.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { openCommandModel } from '../open-command-model.ts'
import { type Env, readSettings, type SettingOptions } from '../settings.ts'
import { textTable } from '../text-table.ts'
import { warn } from '../warn.ts'
import { writeOutput } from '../write-output.ts'
import { type Advice, advise, type Way } from './advise.ts'

export type TuneOptions = SettingOptions & { seconds: number; json?: boolean }

type MeasuredWay = Way & { provider: ExecutionProvider }

/** Runs the model in batches of several sizes, and keeps and prints the settings with which this machine embeds most. Throws AppError `invalid-config` or `invalid-model`. */
export async function tune(options: TuneOptions, env: Env): Promise<ExitCode> {
  // Whether workers measure by themselves is not asked here.
  const config = readSettings({ ...env, PIXWARDEN_TUNE: 'on' }, options)
  const model = await openCommandModel(config)
  const ways: MeasuredWay[] = []
  for (const way of waysFor(config)) ways.push({ ...way, ...(await measureWay(way, config, model, options.seconds)) })
  const { advice, way } = advise(ways)
  const file = await keep(tuningFileOf(config, model), tuningOf(advice, way))
  const measured = ways.flatMap(({ workers, threads, measured }) => measured.map((each) => ({ workers, threads, ...each })))
  const found = { model: model.id, measured, advice: { settings: settingsOf(advice), why: advice.why }, file }
  await writeOutput(options.json ? `${JSON.stringify(found, undefined, 2)}\n` : tableOf(measured, advice, file))
  return EXIT.ok
}

/** Where it is kept; undefined when it cannot be, for what was measured is worth telling all the same. */
async function keep(file: TuningFile, found: Tuning): Promise<string | undefined> {
  try {
    await keepTuning(file, found)
    return file.path
  } catch (error) {
    warn(`the settings cannot be kept: ${(error as Error).message}`)
    return undefined
  }
}

/** All cores: by a worker for each, or by one worker with as many threads; a device by one worker. */
function waysFor({ leftOpen, inferenceThreads, executionProviders }: Config): Pick<Way, 'workers' | 'threads'>[] {
  const cores = usableCores()
  const threads = leftOpen.has('inferenceThreads') ? new Set([1, cores]) : [inferenceThreads]
  if (executionProviders[0] !== 'cpu') return [{ workers: 1, threads: inferenceThreads }]
  return [...threads].map((each) => ({ workers: Math.max(1, Math.floor(cores / each)), threads: each }))
}

async function measureWay(
  { workers, threads }: Pick<Way, 'workers' | 'threads'>,
  config: Config,
  model: Model,
  seconds: number,
): Promise<{ provider: ExecutionProvider; measured: Measured[] }> {
  let provider: ExecutionProvider = 'cpu'
  const encoders = Array.from({ length: workers }, () =>
    createImageEncoder(model, {
      threads,
      providers: config.executionProviders,
      graphDir: path.join(config.dataDir, 'graphs'),
      onOpened: ({ provider: opened }) => {
        provider = opened
      },
    }),
  )
  try {
    // One after the other: the first edits the graph for all.
    for (const encoder of encoders) await encoder.ready()
    const measured: Measured[] = []
    for (const batch of batchesFor(provider)) measured.push({ batch, ...(await measure(encoders, model, batch, seconds)) })
    return { provider, measured }
  } finally {
    await Promise.all(encoders.map((encoder) => encoder.close()))
  }
}

/** As many workers as there will be, all at once: they share caches and memory. */
async function measure(encoders: ImageEncoder[], { preprocessing }: Model, batch: number, seconds: number) {
  const size = 3 * preprocessing.width * preprocessing.height
  const run = (encoder: ImageEncoder) =>
    encoder.encode(Array.from({ length: batch }, (_, view) => new Uint8Array(size).fill(view)))
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

function tuningOf({ inferenceThreads, maxBatch, batchWaitMs, concurrency }: Advice, { provider, measured }: MeasuredWay): Tuning {
  return { provider, inferenceThreads, maxBatch, batchWaitMs, concurrency, measured }
}

function settingsOf({ inferenceThreads, maxBatch, batchWaitMs, concurrency }: Advice): Record<string, number> {
  return {
    PIXWARDEN_INFERENCE_THREADS: inferenceThreads,
    PIXWARDEN_BATCH_SIZE: maxBatch,
    PIXWARDEN_BATCH_WAIT_MS: batchWaitMs,
    PIXWARDEN_CONCURRENCY: concurrency,
  }
}

function tableOf(measured: (Measured & Pick<Way, 'workers' | 'threads'>)[], advice: Advice, file: string | undefined): string {
  const rows = measured.map(({ workers, threads, batch, imagesPerSecond, msPerRun }) => [
    String(workers),
    String(threads),
    String(batch),
    imagesPerSecond.toFixed(1),
    msPerRun.toFixed(1),
  ])
  const lines = Object.entries(settingsOf(advice)).map(([name, value]) => `${name}=${value}`)
  const kept = `Kept in ${file}: workers with this data folder take it when they start, but for what their environment sets.\n`
  const table = textTable(['WORKERS', 'THREADS', 'BATCH', 'IMAGES/S', 'MS A RUN'], rows)
  return `${table}\n${advice.why}\n${file === undefined ? '' : kept}\n${lines.join('\n')}\n`
}
