import { fork } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { startRedis } from '../support/redis.ts'
import { startService } from '../support/service.ts'
import { startThrowawayPostgres } from '../support/throwaway-postgres.ts'
import { benchClip } from './clip/clip-bench.ts'
import { sum } from './cpu-time.ts'
import { photosOf } from './photos.ts'
import { isMet, machine, printReport, type Ratio, type Report } from './report.ts'
import { measureQueueWait, measureThroughput, type Throughput } from './service-run.ts'

const SIZES = [
  { name: '0.3 MP', width: 640, height: 480, count: 600 },
  { name: '2 MP', width: 1632, height: 1224, count: 400 },
]
const BATCHES = [1, 4, 8]
const SECONDS = 3
const cores = os.availableParallelism()

const { values } = parseArgs({ options: { json: { type: 'string' } } })
const dir = await mkdtemp(path.join(os.tmpdir(), 'pixwarden-bench-'))
const postgres = await startThrowawayPostgres()
process.env.TEST_DATABASE_URL = postgres.url
const redis = await startRedis()
try {
  const report = await bench()
  printReport(report)
  if (values.json) await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`)
  if (!report.ratios.every(isMet)) console.log('\nsome goals were missed')
} finally {
  await redis.stop()
  await postgres.stop()
  await rm(dir, { recursive: true, force: true })
}

async function bench(): Promise<Report> {
  const ratios: Ratio[] = []
  const figures: Report['figures'] = {}
  for (const size of SIZES) {
    const photos = await photosOf(size.width, size.height)
    const bare = await bareRates(photos)
    const service = await startService({
      redisUrl: redis.url,
      workers: 0,
      env: { PIXWARDEN_METRICS_PORT: '0' },
    })
    try {
      const run = await measureThroughput(service, photos, size.count, cores)
      const waits = (await measureQueueWait(service, photos, 40)).sort((a, b) => a - b)
      ratios.push(...ratiosOf(size.name, bare, run, waits))
      figures[size.name] = { bare, run, queueWaitMs: { p50: quantile(waits, 0.5), p95: quantile(waits, 0.95) } }
    } finally {
      await service.stop()
    }
  }
  const clip = await benchClip(dir)
  return { machine: machine(), ratios: [...ratios, ...clip.ratios], figures: { ...figures, 'ViT-B/32': clip.figures } }
}

type BareRates = { modelPerCore: Record<number, number>; bestBatch: number; decodePerCore: number }

/** Images per second and core of the model alone and of decoding alone, while every core does the same. */
async function bareRates(photos: Buffer[]): Promise<BareRates> {
  const files = photos.map((_, index) => path.join(dir, `${index}.jpg`))
  await Promise.all(photos.map((photo, index) => writeFile(files[index] as string, photo)))
  const byBatch = await onEveryCore(['model', String(SECONDS), ...BATCHES.map(String)])
  const [decodePerCore = 0] = await onEveryCore(['decode', String(SECONDS), ...files])
  const best = Math.max(...byBatch)
  return {
    modelPerCore: Object.fromEntries(BATCHES.map((batch, index) => [batch, byBatch[index] as number])),
    bestBatch: BATCHES[byBatch.indexOf(best)] as number,
    decodePerCore,
  }
}

/** The mean over the cores of what each process sends. */
async function onEveryCore(args: string[]): Promise<number[]> {
  const entry = path.join(import.meta.dirname, 'bare-parts.js')
  const rates = await Promise.all(
    Array.from({ length: cores }, () => {
      const child = fork(entry, args)
      return new Promise<number[]>((resolve, reject) => {
        child.once('message', (message) => resolve(message as number[]))
        child.once('exit', (code) => reject(new Error(`${args[0]} ended with ${code}`)))
      })
    }),
  )
  return (rates[0] ?? []).map((_, index) => sum(rates.map((each) => each[index] as number)) / rates.length)
}

function ratiosOf(size: string, bare: BareRates, run: Throughput, waits: number[]): Ratio[] {
  const perImage = 1 / (bare.modelPerCore[bare.bestBatch] as number) + 1 / bare.decodePerCore
  return [
    {
      name: `${size}: end to end ÷ what model and decode allow`,
      value: run.imagesPerSecond / (cores / perImage),
      goal: 0.75,
      direction: 'min',
    },
    { name: `${size}: plumbing's share of the workers' CPU`, value: run.shares.plumbing, goal: 0.05, direction: 'max' },
    { name: `${size}: event-loop delay p99 while saturated, ms`, value: run.loopDelayP99Ms, goal: 20, direction: 'max' },
    { name: `${size}: queue wait p50 when idle, ms`, value: quantile(waits, 0.5), goal: 10, direction: 'max' },
  ]
}

function quantile(sorted: number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
}
