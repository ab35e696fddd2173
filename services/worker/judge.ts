import { type CompiledPolicy, compilePolicy } from '../core/domain/compile-policy.ts'
import { applyPolicies, type PolicyVerdict, type ViewEmbedding } from '../core/domain/decide.ts'
import { type LoadedPolicy, promptsOf } from '../core/domain/policy.ts'
import { askedViews } from '../core/domain/views.ts'
import type { ExecutionProvider, ProviderNotice } from '../core/infra/execution-providers.ts'
import type { Logger } from '../core/infra/logger.ts'
import { createBatcher } from './clip/batcher.ts'
import type { StuckModel } from './clip/create-inference-thread.ts'
import { createImageEncoder, type ImageEncoder } from './clip/image-encoder.ts'
import type { Model } from './clip/open-model.ts'
import type { View } from './clip/preprocessing.ts'
import { createTextCache } from './clip/text-cache.ts'
import { createTextEncoder } from './clip/text-encoder.ts'
import { createDecoder } from './image/decoder.ts'

export type Judgement = {
  /** After orientation, in pixels. */
  width: number
  height: number
  verdicts: PolicyVerdict[]
  embeddings: ViewEmbedding[]
  /** Views that could not be made, such as a tile or a later frame over budget. */
  missing: string[]
  /** With `keepViews`: what the model saw. */
  views?: View[]
  timingsMs: { decode: number; inference: number; decide: number }
}

/** Decodes, embeds and scores images: the same for the worker and the command line. */
export type Judge = {
  /** Loads the model, which the first image would otherwise wait for. Throws AppError `invalid-model`, or `decoder-failed` when no decoder starts. */
  ready(): Promise<void>
  /**
   * Calls `onDecoded` when the decoder is free for the next. Throws AppError `undecodable`, `decoder-failed` (the decoder was killed or crashed)
   * or `model-failed`.
   */
  judge(file: string, onDecoded?: () => void): Promise<Judgement>
  /** Embeds the prompts of `policies` and judges by them from then on. */
  usePolicies(policies: LoadedPolicy[]): Promise<void>
  /** Those in use. */
  policies(): CompiledPolicy[]
  /** Unit embeddings of views, RGB, which are given away, in the pauses that images leave. Throws AppError `model-failed`. */
  embedInPassing(views: Uint8Array[]): Promise<Float32Array[]>
  close(): Promise<void>
}

type BatchOptions = { maxBatch: number; batchWaitMs: number }

export type JudgeOptions = BatchOptions & {
  model: Model
  preprocess: 'fast' | 'exact'
  decoders: number
  decodeLimits: { cpuMs: number; wallMs: number; memoryBytes: number }
  maxPixels: number
  avif: boolean
  inferenceThreads: number
  executionProviders: readonly ExecutionProvider[]
  /** Told when the image side of the model begins to run somewhere. */
  onOpened?: (notice: ProviderNotice) => void
  /** Copies each view's pixels into its judgement, for thumbnails. */
  keepViews?: boolean
  /** Where text embeddings are kept between starts. */
  textCacheDir?: string | undefined
  /** Where edited graphs of the model are kept; without one it runs as it came. */
  graphDir?: string | undefined
  /** Called once the model is open: finds how its views are put into batches from then on. */
  tune?: (images: ImageEncoder) => Promise<BatchOptions>
  onBatch?: (views: number) => void
  /** For the image side of the model. */
  whenStuck?: StuckModel
  log: Logger
}

export function createJudge(options: JudgeOptions): Judge {
  const { model, log } = options
  const decoder = createDecoder({
    preprocessing: model.preprocessing,
    mode: options.preprocess,
    decoders: options.decoders,
    limits: options.decodeLimits,
    maxPixels: options.maxPixels,
    avif: options.avif,
    log,
  })
  const images = createImageEncoder(model, {
    threads: options.inferenceThreads,
    providers: options.executionProviders,
    onOpened: options.onOpened,
    graphDir: options.graphDir,
    whenStuck: options.whenStuck,
  })
  const texts = createTextEncoder(model, { threads: options.inferenceThreads })
  const textCache = createTextCache(texts, model, { dir: options.textCacheDir })
  const batcherOf = ({ maxBatch, batchWaitMs }: BatchOptions) =>
    createBatcher({
      maxBatch,
      maxWaitMs: batchWaitMs,
      run: (views: Uint8Array[]) => images.encode(views),
      ...(options.onBatch && { onBatch: options.onBatch }),
    })
  let batcher = batcherOf(options)
  let policies: CompiledPolicy[] = []

  return {
    async ready() {
      await Promise.all([images.ready(), decoder.ready()])
      if (options.tune) batcher = batcherOf(await options.tune(images))
    },

    async judge(file, onDecoded) {
      const judging = policies
      const { width, height, frames, views, missing, decodeMs } = await decoder.decode(file, askedViews(judging))
      onDecoded?.()
      const kept = options.keepViews ? { views: views.map(({ view, pixels }) => ({ view, pixels: pixels.slice() })) } : {}
      const startedAt = performance.now()
      const embeddings = await Promise.all(
        views.map(async ({ view, pixels }): Promise<ViewEmbedding> => ({ view, embedding: await batcher.add(pixels) })),
      )
      const inferredAt = performance.now()
      const verdicts = applyPolicies(judging, embeddings, model.scoring, frames)
      const timingsMs = { decode: decodeMs, inference: inferredAt - startedAt, decide: performance.now() - inferredAt }
      return { width, height, verdicts, embeddings, missing, timingsMs, ...kept }
    },

    async usePolicies(next) {
      const active = next.filter(({ mode }) => mode !== 'off')
      const embedded = await textCache.embedAll([...new Set(active.flatMap(promptsOf))])
      policies = active.map((policy) => compilePolicy(policy, model.scoring, embedded))
    },

    policies: () => policies,

    embedInPassing: (views) => Promise.all(views.map((view) => batcher.addInPassing(view))),

    async close() {
      await Promise.all([decoder.close(), images.close(), texts.close()])
    },
  }
}
