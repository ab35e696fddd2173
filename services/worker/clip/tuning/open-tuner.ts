import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import type { Config, Tunable } from '../../../core/infra/config.ts'
import type { ExecutionProvider } from '../../../core/infra/execution-providers.ts'
import { takeFileLock } from '../../../core/infra/file-lock.ts'
import type { Logger } from '../../../core/infra/logger.ts'
import type { ImageEncoder } from '../image-encoder.ts'
import type { Model } from '../open-model.ts'
import { chooseBatching } from './choose-batching.ts'
import { batchesFor, probe } from './probe.ts'
import { keepTuning, readTuning, type Tuning, tuningFileOf } from './tuning-file.ts'

export type TunedSettings = Pick<Config, Tunable>

export type Tuner = {
  /** What was set; for the rest the defaults, until `settle` finds what is better. The threads hold from the start. */
  settings(): TunedSettings
  /** For a model that is open on `provider`: takes what was measured for it here, once for all workers. */
  settle(images: Pick<ImageEncoder, 'encode'>, provider: ExecutionProvider): Promise<TunedSettings>
}

/** While another worker measures: for a slow model longer than a probe should take. */
const WAIT_MS = 30_000

/**
 * Finds what is best here for the settings that the environment leaves open. A worker measures when nothing was kept, and others that start with it wait for what
 * it finds: at once they would each measure a machine that is busy with the others. Threads are the one thing that a start does not try, for it does not know how
 * many workers share the machine.
 */
export async function openTuner(config: Config, model: Model, log: Logger): Promise<Tuner> {
  const { leftOpen } = config
  const file = tuningFileOf(config, model)
  const kept = leftOpen.size > 0 ? await readTuning(file) : undefined
  const inferenceThreads = (leftOpen.has('inferenceThreads') ? kept?.inferenceThreads : undefined) ?? config.inferenceThreads
  let settings = settingsOf({ ...config, inferenceThreads })

  async function measureOnce(images: Pick<ImageEncoder, 'encode'>, provider: ExecutionProvider): Promise<Tuning> {
    await mkdir(path.dirname(file.path), { recursive: true })
    const lock = await takeFileLock(`${file.path}.lock`, { signal: AbortSignal.timeout(WAIT_MS) })
    try {
      const others = await readTuning(file)
      if (isFor(others, provider)) return others
      const { width, height } = model.preprocessing
      const view = () => new Uint8Array(3 * width * height).fill(128)
      const measured = await probe({
        batches: batchesFor(provider),
        run: (batch) => images.encode(Array.from({ length: batch }, view)),
        costMs: clockFor(provider, inferenceThreads),
      })
      const found = { provider, inferenceThreads, ...chooseBatching(measured), measured }
      await keepTuning(file, found)
      return found
    } finally {
      await lock.release()
    }
  }

  function isFor(tuning: Tuning | undefined, provider: ExecutionProvider): tuning is Tuning {
    return tuning?.provider === provider && tuning.inferenceThreads === inferenceThreads
  }

  return {
    settings: () => settings,
    async settle(images, provider) {
      if (!leftOpen.has('maxBatch') && !leftOpen.has('batchWaitMs')) return settings
      try {
        const tuning = isFor(kept, provider) ? kept : await measureOnce(images, provider)
        settings = settingsOf({ ...settings, ...pick(tuning, leftOpen) })
        log.info({ ...settings, provider, file: file.path }, reasonFor(tuning))
      } catch (error) {
        log.warn({ reason: (error as Error).message }, 'batches could not be measured: the defaults are used')
      }
      return settings
    },
  }
}

function settingsOf({ maxBatch, batchWaitMs, concurrency, inferenceThreads }: TunedSettings): TunedSettings {
  return { maxBatch, batchWaitMs, concurrency, inferenceThreads }
}

function pick(tuning: Tuning, names: ReadonlySet<Tunable>): Partial<TunedSettings> {
  return Object.fromEntries([...names].map((name) => [name, tuning[name]]))
}

function reasonFor({ measured, maxBatch }: Tuning): string {
  const rates = measured.map(({ batch, imagesPerSecond }) => `${imagesPerSecond.toFixed(1)} by ${batch}`)
  return `batches of ${maxBatch} are the smallest that are nearly the fastest; images a second by the model: ${rates.join(', ')}`
}

/**
 * A thread's processor time is not disturbed by who else is busy on the machine; of a device, or of several threads that wait for each other, it says nothing, and
 * Windows counts it by 16 ms, in which a run may be over.
 */
function clockFor(provider: ExecutionProvider, threads: number): () => number {
  if (provider !== 'cpu' || threads > 1 || process.platform === 'win32') return () => performance.now()
  return () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  }
}
