import os from 'node:os'
import { atRate } from '../../chaos/at-rate.ts'
import { readProcess } from '../../chaos/process-size.ts'
import { quantile } from '../../chaos/quantile.ts'
import { descendantsOf } from '../../support/descendants.ts'
import { type Service, startService } from '../../support/service.ts'
import { waitFor } from '../../support/wait-for.ts'
import { type BareRates, bareRates, secondsPerImage } from '../bare-rates.ts'
import type { Measured, Ratio } from '../report.ts'
import { measureThroughput, type Throughput } from '../service-run.ts'

const SECONDS = 30
const LOADS = [0.5, 0.9]
const IMAGES_PER_WORKER = 300

type Setting = { dir: string; clip: string; photos: Buffer[]; files: string[]; policies: string; redisUrl: string }
type Latency = { p50: number; p99: number }
type Run = { throughput: Throughput; latencyMs: Record<number, Latency>; workerRssMb: number; decodersRssMb: number }

/** The service with CLIP ViT-B/32: how much of what model and decoder allow arrives, how long uploads wait at which load, and what it takes. */
export async function wholeService(setting: Setting): Promise<Measured> {
  const cores = os.availableParallelism()
  const bare = await bareRates({ model: setting.clip, dir: setting.dir, files: setting.files })
  const runs: Record<number, Run> = {}
  for (const workers of new Set([1, cores])) runs[workers] = await measure(setting, workers)
  return { ratios: ratiosOf(bare, runs[cores] as Run, cores), figures: { bare, runs } }
}

async function measure({ clip, photos, policies, redisUrl }: Setting, workers: number): Promise<Run> {
  const service = await startService({
    redisUrl,
    workers: 0,
    env: { PIXWARDEN_MODEL: clip, PIXWARDEN_POLICIES: policies, PIXWARDEN_METRICS_PORT: '0', PIXWARDEN_DECODERS: '1' },
  })
  try {
    const throughput = await measureThroughput(service, photos, IMAGES_PER_WORKER * workers, workers)
    const latencyMs: Record<number, Latency> = {}
    for (const load of LOADS) latencyMs[load] = await latencyAt(service, photos, load * throughput.imagesPerSecond)
    const pids = service.processes.slice(1).map(({ pid }) => pid as number)
    return {
      throughput,
      latencyMs,
      workerRssMb: readProcess(pids).rssMb / workers,
      decodersRssMb: readProcess(pids.flatMap(descendantsOf)).rssMb / workers,
    }
  } finally {
    await service.stop()
  }
}

/** From the row, which is there just before the 202, to the decision. */
async function latencyAt(service: Service, photos: Buffer[], perSecond: number): Promise<Latency> {
  const ids = await atRate(perSecond, Math.ceil(SECONDS * perSecond), async (index) => {
    const { status, body } = await service.upload(photos[index % photos.length] as Buffer)
    if (status !== 202) throw new Error(`an upload was answered ${status}`)
    return body.id
  })
  const waits = await waitFor(
    async () => {
      const { rows } = await service.database.query(
        `SELECT 1000 * extract(epoch FROM decided_at - received_at)::float AS ms FROM pixwarden.uploads WHERE status = 'decided' AND id = ANY($1)`,
        [ids],
      )
      return rows.length === ids.length ? rows.map(({ ms }) => ms as number) : undefined
    },
    { timeoutMs: 120_000, what: 'every decision' },
  )
  return { p50: quantile(waits, 0.5), p99: quantile(waits, 0.99) }
}

function ratiosOf(bare: BareRates, { throughput, latencyMs }: Run, cores: number): Ratio[] {
  const { shares, loopDelayP99Ms, imagesPerSecond } = throughput
  const aloneMs = 1000 / (bare.modelPerCore[1] as number)
  const name = (what: string) => `ViT-B/32, ${cores} workers: ${what}`
  return [
    {
      name: name('end to end ÷ what model and decode allow'),
      value: (imagesPerSecond * secondsPerImage(bare)) / cores,
      goal: 0.8,
      direction: 'min',
    },
    { name: name("plumbing's share of the workers' CPU"), value: shares.plumbing, goal: 0.03, direction: 'max' },
    { name: name('event-loop delay p99 while saturated, ms'), value: loopDelayP99Ms, goal: 20, direction: 'max' },
    {
      name: name('p99 at half load ÷ the bare time of one'),
      value: (latencyMs[0.5]?.p99 ?? Number.NaN) / aloneMs,
      goal: 3,
      direction: 'max',
    },
  ]
}
