import { setTimeout as pause } from 'node:timers/promises'
import { hasCode } from '../../core/domain/errors.ts'
import type { ClaimedTask, ImageTaskKind, ImageTaskStore, TaskProblem } from '../../core/infra/image-task-store.ts'
import type { Logger } from '../../core/infra/logger.ts'
import type { Metrics } from '../../core/infra/metrics.ts'
import { rateLimitedLog } from '../../core/infra/rate-limited-log.ts'
import { createAlarm } from '../alarm.ts'
import type { Task } from '../every.ts'
import type { Outcome } from './do-image-task.ts'

export type RunnerOptions = {
  kinds: readonly ImageTaskKind[]
  modelRevision: string
  store: Pick<ImageTaskStore, 'claim' | 'renew' | 'complete' | 'fail' | 'release'>
  work: (task: ClaimedTask, signal: AbortSignal) => Promise<Outcome>
  metrics: Pick<Metrics, 'imageTasks' | 'imageTaskDuration'>
  log: Logger
  leaseMs?: number
}

export type Runner = Task & {
  /** There may be something to do. */
  ring(): void
}

/** A picture that has ended so many decoders, models or workers is left alone. */
const MAX_ATTEMPTS = 3
/** What nobody announced, or a worker that died has left, is found by looking. */
const LOOK_EVERY_MS = 2000
/** Renewed three times as often: whoever dies is followed soon. */
const LEASE_MS = 6000

/** Does tasks of some kinds, one after the other, beside any number of other workers. `stop` gives back the one in hand. */
export function startImageTaskRunner(options: RunnerOptions): Runner {
  const { kinds, modelRevision, store, metrics, log, leaseMs = LEASE_MS } = options
  const alarm = createAlarm()
  const stopping = new AbortController()
  const logTrouble = rateLimitedLog(log)
  const running = run()

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const found = await runNext().catch(rest)
      if (!found && !stopping.signal.aborted) await alarm.sleep(LOOK_EVERY_MS)
    }
  }

  /** The trouble is this worker's: what it gives back is announced, and it would take it again at once. */
  async function rest(error: unknown): Promise<true> {
    logTrouble(error, 'a task for an image is not done, or not recorded: it will be done again')
    await pause(LOOK_EVERY_MS, undefined, { signal: stopping.signal }).catch(() => {})
    return true
  }

  async function runNext(): Promise<boolean> {
    const task = await store.claim({ kinds, leaseMs, modelRevision })
    if (!task) return false
    const end = metrics.imageTaskDuration.startTimer({ kind: task.kind })
    const outcome = await attempt(task, { ...options, leaseMs, signal: stopping.signal })
    metrics.imageTasks.inc({ kind: task.kind, outcome })
    if (outcome === 'done') end()
    return true
  }

  return {
    ring: alarm.ring,
    async stop() {
      stopping.abort()
      alarm.ring()
      await running
    },
  }
}

type Attempt = RunnerOptions & { leaseMs: number; signal: AbortSignal }

/** `lost`: meanwhile it went with its image, or to another worker. */
type AttemptOutcome = 'done' | 'failed' | 'retried' | 'returned' | 'lost'

async function attempt(task: ClaimedTask, options: Attempt): Promise<AttemptOutcome> {
  const { store, signal } = options
  const log = options.log.child({ uploadId: task.uploadId, kind: task.kind })
  const fail = async (problem: TaskProblem, detail: string) => ((await store.fail(task, problem, detail)) ? 'failed' : 'lost')
  if (task.attempts > MAX_ATTEMPTS) return fail('undecodable', `none of ${MAX_ATTEMPTS} attempts came to an end`)
  try {
    const outcome = await renewing(task, options)
    if ('problem' in outcome) return fail(outcome.problem, outcome.detail)
    return (await store.complete(task, outcome.result)) ? 'done' : 'lost'
  } catch (error) {
    if (hasCode(error, 'undecodable', 'not-found')) return fail('undecodable', error.message)
    const counted = !signal.aborted && !isOurs(error)
    if (counted) log.warn({ err: error, attempts: task.attempts }, 'attempt failed')
    if (counted && task.attempts >= MAX_ATTEMPTS) return fail(...problemOf(error))
    await store.release(task, { counted })
    if (!counted && !signal.aborted) throw error
    return counted ? 'retried' : 'returned'
  }
}

/** No fault of the picture's. */
function isOurs(error: unknown): boolean {
  return hasCode(error, 'store-unavailable') || (hasCode(error, 'decoder-failed') && error.details?.reason === 'start')
}

/** What a moderator is told. */
function problemOf(error: unknown): [TaskProblem, string] {
  return hasCode(error, 'decoder-failed') ? ['undecodable', error.message] : ['model-failed', 'the model fails on this image']
}

/** Keeps the lease for as long as the work takes. */
async function renewing(task: ClaimedTask, { store, work, signal, leaseMs, log }: Attempt): Promise<Outcome> {
  const timer = setInterval(() => {
    store.renew(task, leaseMs).catch((error: unknown) => log.debug({ err: error }, 'a lease is not renewed'))
  }, leaseMs / 3)
  try {
    return await work(task, signal)
  } finally {
    clearInterval(timer)
  }
}
