import { AppError } from '../../core/domain/errors.ts'

export type Batcher<View, Result> = {
  add(view: View): Promise<Result>
  /** The same for a view that nobody is in a hurry for: it is let in when no other waits, and now and then all the same. */
  addInPassing(view: View): Promise<Result>
}

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

/** Of a batch in passing: a view that comes in the middle of one waits for its end. */
const IN_PASSING_SHARE = 4
/** Views in passing wait at most so long for their turn, however many others come. */
const IN_PASSING_EVERY_MS = 500

/**
 * Collects views into batches: closes one at `maxBatch` views or `maxWaitMs` after its first, whichever comes first.
 * One run at a time; views that come meanwhile wait for its end, and no longer than that if their time is up by then.
 * When a run fails, the views of its batch are rejected with its error and no others. Views in passing have small batches of their own.
 */
export function createBatcher<View, Result>(options: BatcherOptions<View, Result>): Batcher<View, Result> {
  const { maxBatch, maxWaitMs, run, onBatch } = options
  const waiting: Waiting<View, Result>[] = []
  const inPassing: Waiting<View, Result>[] = []
  const maxInPassing = Math.ceil(maxBatch / IN_PASSING_SHARE)
  let lastInPassing = Number.NEGATIVE_INFINITY
  let running = false
  let timer: NodeJS.Timeout | undefined

  function schedule(): void {
    clearTimeout(timer)
    if (running) return
    const [first] = waiting
    if (isTurnInPassing()) startInPassing()
    else if (first) startInTime(first)
  }

  function isTurnInPassing(): boolean {
    const [first] = inPassing
    if (!first) return false
    return waiting.length === 0 || performance.now() - Math.max(first.since, lastInPassing) >= IN_PASSING_EVERY_MS
  }

  function startInTime({ since }: Waiting<View, Result>): void {
    const waitMs = waiting.length >= maxBatch ? 0 : since + maxWaitMs - performance.now()
    if (waitMs <= 0) start()
    else timer = setTimeout(start, waitMs)
  }

  function start(): void {
    void runBatch(waiting.splice(0, maxBatch))
  }

  function startInPassing(): void {
    lastInPassing = performance.now()
    void runBatch(inPassing.splice(0, maxInPassing))
  }

  async function runBatch(batch: Waiting<View, Result>[]): Promise<void> {
    running = true
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

  function addTo(line: Waiting<View, Result>[], view: View): Promise<Result> {
    return new Promise((resolve, reject) => {
      line.push({ view, since: performance.now(), resolve, reject })
      schedule()
    })
  }

  return {
    add: (view) => addTo(waiting, view),
    addInPassing: (view) => addTo(inPassing, view),
  }
}
