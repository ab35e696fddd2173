import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { z } from 'zod'
import type { Config } from '../../../core/infra/config.ts'
import { EXECUTION_PROVIDERS } from '../../../core/infra/execution-providers.ts'
import { usableCores } from '../../../core/infra/usable-cores.ts'
import type { Model } from '../open-model.ts'

const tuning = z.object({
  /** What the model was measured on. */
  provider: z.enum(EXECUTION_PROVIDERS),
  inferenceThreads: z.int().positive(),
  maxBatch: z.int().positive(),
  batchWaitMs: z.int().nonnegative(),
  concurrency: z.int().positive(),
  measured: z.array(z.object({ batch: z.number(), imagesPerSecond: z.number(), msPerRun: z.number() })),
})

/** What was found best for a model on a machine. */
export type Tuning = z.infer<typeof tuning>

/** Everything on which the best batch depends. */
type Circumstances = {
  model: string
  runtime: string
  providers: string
  cpu: string | undefined
  cores: number
  threads: number | 'any'
}

/** Where what was measured is kept, and for what it holds. */
export type TuningFile = { path: string; circumstances: Circumstances }

export function tuningFileOf(config: Config, { revision }: Pick<Model, 'revision'>): TuningFile {
  const circumstances = {
    model: revision,
    runtime: createRequire(import.meta.url)('onnxruntime-node/package.json').version as string,
    providers: config.executionProviders.join(),
    cpu: os.cpus()[0]?.model,
    cores: usableCores(),
    threads: config.leftOpen.has('inferenceThreads') ? ('any' as const) : config.inferenceThreads,
  }
  const digest = createHash('sha256').update(JSON.stringify(circumstances)).digest('hex')
  return { path: path.join(config.dataDir, 'tuning', `${digest.slice(0, 32)}.json`), circumstances }
}

/** undefined when there is none, or it is damaged. */
export async function readTuning({ path: file }: TuningFile): Promise<Tuning | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '{}')
  try {
    return tuning.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

export async function keepTuning({ path: file, circumstances }: TuningFile, found: Tuning): Promise<void> {
  const part = `${file}.${randomUUID()}`
  await mkdir(path.dirname(file), { recursive: true })
  try {
    await writeFile(part, `${JSON.stringify({ circumstances, ...found }, undefined, 2)}\n`)
    await rename(part, file)
  } finally {
    await rm(part, { force: true })
  }
}
