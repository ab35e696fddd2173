import type { Logger } from '../core/infra/logger.ts'
import type { Metrics } from '../core/infra/metrics.ts'
import type { UploadQueue } from '../core/infra/upload-queue.ts'
import type { UploadStore } from '../core/infra/upload-store.ts'
import { every, type Task } from './every.ts'

export type ReconcilerOptions = {
  store: Pick<UploadStore, 'pendingIds' | 'backlog'>
  queue: Pick<UploadQueue, 'enqueueAll' | 'endPauses' | 'counts'>
  metrics: Pick<Metrics, 'queueJobs' | 'oldestPending' | 'reconciled'>
  log: Logger
  everyMs?: number
}

/** An upload this old should have had its job long since. */
const OVERDUE_MS = 3000
const PAGE = 1000
/** However the counts look, everything overdue is enqueued again once in so many runs: a count can be right by accident, and a pause be for hours. */
const FULL_SWEEP_EVERY = 30

/**
 * Enqueues uploads that have neither a decision nor a job: Redis was down when they came, or has lost them since.
 * Adding a job that exists does nothing, so a sweep is only wasteful, never wrong.
 */
export function startReconciler({ store, queue, metrics, log, everyMs = 2000 }: ReconcilerOptions): Task {
  let runs = 0
  return every(everyMs, 'reconciling', () => reconcile(runs++ % FULL_SWEEP_EVERY === 0), log)

  async function reconcile(sweep: boolean): Promise<void> {
    // Jobs first: counted the other way round, whatever ends meanwhile would seem to lack one.
    const [counted] = await Promise.allSettled([queue.counts()])
    const { overdue, oldestSeconds } = await store.backlog({ overdueMs: OVERDUE_MS })
    metrics.oldestPending.set(oldestSeconds)
    if (counted.status === 'rejected') throw counted.reason
    const counts = counted.value
    for (const [state, jobs] of Object.entries(counts)) metrics.queueJobs.set({ state }, jobs)
    if (sweep && counts.delayed > 0) await queue.endPauses()
    const jobs = counts.waiting + counts.active + counts.delayed
    if (overdue > jobs || (sweep && overdue > 0)) await enqueueOverdue()
  }

  async function enqueueOverdue(): Promise<void> {
    let after: string | undefined
    let total = 0
    do {
      const ids = await store.pendingIds({ olderThanMs: OVERDUE_MS, limit: PAGE, after })
      await queue.enqueueAll(ids)
      total += ids.length
      after = ids.length === PAGE ? ids.at(-1) : undefined
    } while (after !== undefined)
    metrics.reconciled.inc(total)
    log.info({ uploads: total }, 'enqueued overdue uploads again')
  }
}
