import { AppError } from '../../core/domain/errors.ts'

export type Batcher<View, Result> = { add(view: View): Promise<Result> }

export type BatcherOptions<View, Result> = {
  maxBatch: number
  /** How long the first view of a batch waits for others; 0 for not at all. */
  maxWaitMs: number
  /** Answers the views of a batch, in their order. Never called while another run is in flight. */
  run: (views: View[]) => Promise<Result[]>
  onBatch?: ((size: number) => void) | undefined
}

type Waiting<View, Result> = {
  view: View
  since: number
  resolve: (result: Result) => void
  reject: (error: unknown) => void
}

/**
 * Collects views into batches: closes one at `maxBatch` views or `maxWaitMs` after its first, whichever comes first.
 * One run at a time; views that come meanwhile wait for its end, and no longer than that if their time is up by then.
 * When a run fails, the views of its batch are rejected with its error and no others.
 */
export function createBatcher<View, Result>(options: BatcherOptions<View, Result>): Batcher<View, Result> {
  const { maxBatch, maxWaitMs, run, onBatch } = options
  const waiting: Waiting<View, Result>[] = []
  let running = false
  let timer: NodeJS.Timeout | undefined

  function schedule(): void {
    clearTimeout(timer)
    const [first] = waiting
    if (running || !first) return
    const waitMs = waiting.length >= maxBatch ? 0 : first.since + maxWaitMs - performance.now()
    if (waitMs <= 0) void start()
    else timer = setTimeout(start, waitMs)
  }

  async function start(): Promise<void> {
    running = true
    const batch = waiting.splice(0, maxBatch)
    onBatch?.(batch.length)
    try {
      const results = await run(batch.map(({ view }) => view))
      if (results.length !== batch.length)
        throw new AppError('model-failed', `${results.length} results for a batch of ${batch.length}`)
      for (const [index, { resolve }] of batch.entries()) resolve(results[index] as Result)
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
    running = false
    schedule()
  }

  return {
    add: (view) =>
      new Promise((resolve, reject) => {
        waiting.push({ view, since: performance.now(), resolve, reject })
        schedule()
      }),
  }
}
