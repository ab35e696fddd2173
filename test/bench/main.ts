import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { quantile } from '../chaos/quantile.ts'
import { startRedis } from '../support/redis.ts'
import { startService } from '../support/service.ts'
import { startThrowawayPostgres } from '../support/throwaway-postgres.ts'
import { type BareRates, bareRates, secondsPerImage } from './bare-rates.ts'
import { benchClip } from './clip/clip-bench.ts'
import { benchPeers } from './clip/peers-bench.ts'
import { benchInt8 } from './int8/int8-bench.ts'
import { photosOf, writePhotos } from './photos.ts'
import { benchProviders } from './providers/providers-bench.ts'
import { isMet, type Measured, machine, printReport, type Ratio, type Report } from './report.ts'
import { measureQueueWait, measureThroughput, type Throughput } from './service-run.ts'
import { benchViews } from './views/views-bench.ts'

const SIZES = [
  { name: '0.3 MP', width: 640, height: 480, count: 600 },
  { name: '2 MP', width: 1632, height: 1224, count: 400 },
]
const cores = os.availableParallelism()

const { values } = parseArgs({ options: { json: { type: 'string' }, only: { type: 'string' } } })
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
  const parts: Record<string, () => Promise<Measured>> = {
    embedded: benchEmbedded,
    clip: () => benchClip(dir, redis.url),
    peers: () => benchPeers(dir),
    providers: () => benchProviders(dir),
    views: () => benchViews(dir),
    int8: () => benchInt8(dir),
  }
  const { only } = values
  if (only !== undefined && !(only in parts)) throw new Error(`--only ${only}: the parts are ${Object.keys(parts).join(', ')}`)
  const measured: [string, Measured][] = []
  for (const [name, measure] of Object.entries(parts))
    if (only === undefined || only === name) measured.push([name, await measure()])
  return {
    machine: machine(),
    ratios: measured.flatMap(([, { ratios }]) => ratios),
    figures: Object.fromEntries(measured.map(([name, { figures }]) => [name, figures])),
  }
}

async function benchEmbedded(): Promise<Measured> {
  const ratios: Ratio[] = []
  const figures: Report['figures'] = {}
  for (const size of SIZES) {
    const photos = await photosOf(size.width, size.height)
    const bare = await bareRates({ model: 'embedded', dir, files: await writePhotos(photos, dir) })
    const service = await startService({
      redisUrl: redis.url,
      workers: 0,
      env: { PIXWARDEN_METRICS_PORT: '0' },
    })
    try {
      const run = await measureThroughput(service, photos, size.count, cores)
      const waits = await measureQueueWait(service, photos, 40)
      ratios.push(...ratiosOf(size.name, bare, run, waits))
      figures[size.name] = { bare, run, queueWaitMs: { p50: quantile(waits, 0.5), p95: quantile(waits, 0.95) } }
    } finally {
      await service.stop()
    }
  }
  return { ratios, figures }
}

function ratiosOf(size: string, bare: BareRates, run: Throughput, waits: number[]): Ratio[] {
  return [
    {
      name: `${size}: end to end ÷ what model and decode allow`,
      value: (run.imagesPerSecond * secondsPerImage(bare)) / cores,
      goal: 0.75,
      direction: 'min',
    },
    { name: `${size}: plumbing's share of the workers' CPU`, value: run.shares.plumbing, goal: 0.05, direction: 'max' },
    { name: `${size}: event-loop delay p99 while saturated, ms`, value: run.loopDelayP99Ms, goal: 20, direction: 'max' },
    { name: `${size}: queue wait p50 when idle, ms`, value: quantile(waits, 0.5), goal: 10, direction: 'max' },
  ]
}
