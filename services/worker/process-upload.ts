import { outcomeOf } from '../core/domain/decide.ts'
import type { Conclusion } from '../core/domain/decision.ts'
import { type AppError, hasCode } from '../core/domain/errors.ts'
import type { BlobStore } from '../core/infra/blob-store.ts'
import type { Logger } from '../core/infra/logger.ts'
import type { Metrics, Stage } from '../core/infra/metrics.ts'
import type { UploadHandler } from '../core/infra/upload-queue.ts'
import type { ClaimedUpload, UploadStore } from '../core/infra/upload-store.ts'
import type { Judge, Judgement } from './judge.ts'
import { createTurnstile } from './turnstile.ts'

export type UploadProcessorOptions = {
  store: Pick<UploadStore, 'claim' | 'isPending' | 'unclaim' | 'conclude'>
  blobs: Pick<BlobStore, 'withFile'>
  judge: Pick<Judge, 'judge'>
  /** Uploads that may be decoded at once. */
  decoders: number
  model: { id: string; revision: string }
  metrics: Pick<Metrics, 'stageDuration' | 'decisions' | 'ruleScore' | 'decodeFailures'>
  log: Logger
}

/** An image whose attempts all ended in a dead decoder, model or worker is a moderator's to judge. */
const MAX_ATTEMPTS = 3

/** Ends of a decoder that count for no picture's attempt. */
const NOT_THE_PICTURES: unknown[] = ['start', 'closed']

/** For each decoder one picture at work, and one at hand. */
const CLAIMED_PER_DECODER = 2

/**
 * Takes an upload from its job to its conclusion. Throws when the attempt failed and another is due; the queue then tries it again.
 * An upload that is decided already, or erased, is left alone.
 *
 * An attempt is counted only when a decoder is nearly free: a worker that dies costs others none. One that an earlier attempt at an upload
 * did not survive, it seems, tries it again with nothing else in its hands: what kills a worker then does not take the same neighbours with it
 * each time.
 */
export function createUploadProcessor(options: UploadProcessorOptions): UploadHandler {
  const { store } = options
  const turnstile = createTurnstile(CLAIMED_PER_DECODER * options.decoders)

  return async (job) => {
    const log = options.log.child({ uploadId: job.uploadId })
    const begun = await turnstile.among(async (onDecoded) => {
      const upload = await store.claim(job.uploadId, job.failures)
      if (upload) await attempt({ upload, queueMs: msSince(job.enqueuedAt), log, onDecoded }, options)
      return upload !== undefined
    })
    if (begun) return
    if (!(await store.isPending(job.uploadId))) return log.debug('no longer pending')
    await turnstile.alone(async () => {
      const upload = await store.claim(job.uploadId)
      if (upload) await attempt({ upload, queueMs: msSince(job.enqueuedAt), log }, options)
    })
  }
}

type Attempt = { upload: ClaimedUpload; queueMs: number; log: Logger; onDecoded?: () => void }

/** The clocks of those who enqueue may differ from ours. */
function msSince(ms: number): number {
  return Math.max(0, Date.now() - ms)
}

async function attempt(begun: Attempt, options: UploadProcessorOptions): Promise<void> {
  const { store, metrics } = options
  const { upload, log } = begun
  const conclusion = await reach(begun, options)
  const decided = await timed('store', metrics, () => store.conclude(upload, conclusion))
  if (!decided) return log.info('no longer pending: decided by another worker, or erased')
  observe(conclusion, metrics)
  const { action, reasonCodes, detail, timings } = conclusion
  log.info({ action, reasonCodes, detail, timings, attempts: upload.attempts }, 'decided')
}

async function reach({ upload, queueMs, log, onDecoded }: Attempt, options: UploadProcessorOptions): Promise<Conclusion> {
  const { store, blobs, judge, model, metrics } = options
  if (upload.attempts > MAX_ATTEMPTS) return undecided('undecodable', `none of ${MAX_ATTEMPTS} attempts came to an end`, queueMs)
  try {
    const openedAt = performance.now()
    return await blobs.withFile(upload.blobKey, async (file) => {
      const fetchMs = performance.now() - openedAt
      return decided(await judge.judge(file, onDecoded), model, { queue: queueMs, fetch: fetchMs })
    })
  } catch (error) {
    if (hasCode(error, 'undecodable', 'not-found')) {
      metrics.decodeFailures.inc({ reason: error.code })
      return undecided('undecodable', error.message, queueMs)
    }
    if (hasCode(error, 'decoder-failed', 'model-failed') && !NOT_THE_PICTURES.includes(error.details?.reason)) {
      const reason = String(error.details?.reason ?? error.code)
      metrics.decodeFailures.inc({ reason })
      log.warn({ err: error, reason, attempts: upload.attempts }, 'attempt failed')
      if (upload.attempts >= MAX_ATTEMPTS) return undecided(reasonCodeOf(error), error.message, queueMs)
    } else await store.unclaim(upload.id).catch((cause: unknown) => log.warn({ err: cause }, 'the attempt stays counted'))
    throw error
  }
}

function reasonCodeOf(error: AppError): string {
  return error.code === 'model-failed' ? 'model-failed' : 'undecodable'
}

function decided(
  judgement: Judgement,
  model: { id: string; revision: string },
  before: { queue: number; fetch: number },
): Conclusion {
  const { verdicts, embeddings, missing, timingsMs } = judgement
  return {
    ...outcomeOf(verdicts),
    verdicts,
    model,
    embeddings,
    ...(missing.length > 0 && { detail: `missing views: ${missing.join(', ')}` }),
    timings: { ...before, ...timingsMs },
  }
}

/** What cannot be judged is flagged, never approved. */
function undecided(reasonCode: string, detail: string, queueMs: number): Conclusion {
  return { action: 'flag', reasonCodes: [reasonCode], verdicts: [], embeddings: [], detail, timings: { queue: queueMs } }
}

function observe({ verdicts, timings }: Conclusion, metrics: UploadProcessorOptions['metrics']): void {
  for (const [stage, ms] of Object.entries(timings)) metrics.stageDuration.observe({ stage: stage as Stage }, ms / 1000)
  for (const { id: policy, action, mode, rules } of verdicts) {
    metrics.decisions.inc({ policy, action, mode })
    for (const { id: rule, score } of rules) if (score !== undefined) metrics.ruleScore.observe({ policy, rule }, score)
  }
}

async function timed<T>(stage: Stage, metrics: UploadProcessorOptions['metrics'], work: () => Promise<T>): Promise<T> {
  const end = metrics.stageDuration.startTimer({ stage })
  const result = await work()
  end()
  return result
}
