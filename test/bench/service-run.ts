import { setTimeout as pause } from 'node:timers/promises'
import type { Decision } from '../../services/core/domain/decision.ts'
import { LOOP_DELAY_EVERY_MS } from '../../services/core/infra/metrics.ts'
import type { Service } from '../support/service.ts'
import { waitFor } from '../support/wait-for.ts'
import { type CpuTime, cpuTime, minus, sum } from './cpu-time.ts'

export type Throughput = {
  images: number
  imagesPerSecond: number
  /** CPU of all workers and their decoders, in ms per image. */
  cpuMsPerImage: number
  /** The same by where it is spent; `otherThreads` are libuv's and V8's. */
  byThread: CpuTime
  /** Shares of that. Plumbing is everything outside the decoders and the inference threads. */
  shares: { inference: number; decode: number; plumbing: number }
  /** The slowest worker's. */
  loopDelayP99Ms: number
}

/**
 * Fills the queue while no worker runs, starts `workers`, and measures from the first decision to the last:
 * CPU is read when a third is decided and when all are, so that the start of the processes is left out, and what V8 takes to compile
 * what runs often.
 */
export async function measureThroughput(service: Service, photos: Buffer[], count: number, workers: number): Promise<Throughput> {
  const posted = await inParallel(16, count, async (index) => {
    const { status, body } = await service.upload(photos[index % photos.length] as Buffer)
    if (status !== 202) throw new Error(`upload ${index} was answered ${status}`)
    return body.id
  })
  const first = service.processes.length
  await Promise.all(Array.from({ length: workers }, service.startWorker))
  const pids = service.processes.slice(first).map(({ pid }) => pid as number)

  const warm = await waitFor(() => progress(service, posted, Math.ceil(count / 3)), { timeoutMs: 120_000, what: 'a third' })
  const before = await Promise.all(pids.map(cpuTime))
  await loopDelayP99Ms(service)
  const done = await waitFor(() => progress(service, posted, count), { timeoutMs: 600_000, what: 'every decision' })
  const after = await Promise.all(pids.map(cpuTime))
  const loopDelay = await loopDelayP99Ms(service)

  const images = done.decided - warm.decided
  const used = after.map((time, index) => minus(time, before[index] as CpuTime))
  const inference = sum(used.map(({ busiestThread }) => busiestThread))
  const decode = sum(used.map(({ children }) => children))
  const plumbing = sum(used.map(({ mainThread, otherThreads }) => mainThread + otherThreads))
  const total = inference + decode + plumbing
  return {
    images,
    imagesPerSecond: (1000 * images) / (done.lastMs - warm.lastMs),
    cpuMsPerImage: total / images,
    byThread: {
      mainThread: sum(used.map(({ mainThread }) => mainThread)) / images,
      busiestThread: inference / images,
      otherThreads: sum(used.map(({ otherThreads }) => otherThreads)) / images,
      children: decode / images,
    },
    shares: { inference: inference / total, decode: decode / total, plumbing: plumbing / total },
    loopDelayP99Ms: loopDelay,
  }
}

/** Since it was last asked, of the worker that is worst: prom-client starts anew with each scrape. */
async function loopDelayP99Ms(service: Service): Promise<number> {
  const delays = await Promise.all(
    service.metricsPorts.map(async (port) => {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
      return 1000 * Number(/^nodejs_eventloop_lag_p99_seconds (\S+)/m.exec(text)?.[1]) - LOOP_DELAY_EVERY_MS
    }),
  )
  return Math.max(...delays)
}

/** How long jobs wait in an idle queue, in ms: uploads one by one, each after the last one's decision. */
export async function measureQueueWait(service: Service, photos: Buffer[], count: number): Promise<number[]> {
  const waits: number[] = []
  for (let index = 0; index < count; index++) {
    const { body } = await service.upload(photos[index % photos.length] as Buffer, '?wait=30')
    waits.push((body as Decision).timings_ms.queue ?? Number.NaN)
    await pause(50)
  }
  return waits
}

async function progress(
  service: Service,
  ids: string[],
  atLeast: number,
): Promise<{ decided: number; lastMs: number } | undefined> {
  const { rows } = await service.database.query(
    `SELECT count(*)::int AS decided, extract(epoch FROM max(decided_at)) * 1000 AS last
     FROM pixwarden.uploads WHERE status = 'decided' AND id = ANY($1)`,
    [ids],
  )
  const { decided, last } = rows[0] as { decided: number; last: string | null }
  return decided >= atLeast ? { decided, lastMs: Number(last) } : undefined
}

async function inParallel<T>(width: number, count: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  let next = 0
  const lane = async () => {
    for (let index = next++; index < count; index = next++) results[index] = await work(index)
  }
  await Promise.all(Array.from({ length: width }, lane))
  return results
}
