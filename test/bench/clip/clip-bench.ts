import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { HUGE_PAGES } from '../../../services/core/infra/huge-pages.ts'
import { contest } from '../contest.ts'
import type { Measured, Ratio } from '../report.ts'
import { wholeService } from './clip-service.ts'
import { prepareClip } from './prepare-clip.ts'
import { productGraph, visionMacs } from './random-clip.ts'

const PRODUCT = { rows: 400, inner: 768, columns: 3072 }
const TURNS = { rounds: 5, seconds: 2 }
const BATCH = 8

/** CLIP ViT-B/32 with random weights: on one core against what the core can do, and in the whole service on Redis, with one worker and with one for each core. */
export async function benchClip(dir: string, redisUrl: string): Promise<Measured> {
  const setting = await prepareClip(dir)
  const parts = {
    alone: await modelAlone(dir, setting.clip, setting.quantised),
    service: await wholeService({ ...setting, redisUrl }),
  }
  return {
    ratios: Object.values(parts).flatMap(({ ratios }) => ratios),
    figures: Object.fromEntries(Object.entries(parts).map(([name, { figures }]) => [name, figures])),
  }
}

async function modelAlone(dir: string, clip: string, quantised: string): Promise<Measured> {
  const graphDir = path.join(dir, 'graphs')
  const product = path.join(dir, 'product.onnx')
  await writeFile(product, productGraph(PRODUCT))
  const alone = (name: string, args: Record<string, unknown>) => ({ name, entry: 'clip/model-alone', args, env: HUGE_PAGES })
  const rates = await contest(
    [
      alone('product', { product, ...PRODUCT }),
      alone('fp32 as it came', { dir: clip, batch: BATCH }),
      alone('fp32', { dir: clip, graphDir, batch: BATCH }),
      { ...alone('fp32 in small pages', { dir: clip, graphDir, batch: BATCH }), env: {} },
      alone('fp32, one', { dir: clip, graphDir, batch: 1 }),
      alone('q8', { dir: quantised, graphDir, batch: BATCH }),
    ],
    TURNS,
  )
  const rate = (name: string) => rates.get(name) ?? Number.NaN
  const peak = rate('product') * PRODUCT.rows * PRODUCT.inner * PRODUCT.columns
  const ratios: Ratio[] = [
    {
      name: 'ViT-B/32 fp32, model alone ÷ matrix products (whole work counted)',
      value: (rate('fp32') * visionMacs()) / peak,
      goal: 0.75,
      direction: 'min',
    },
    {
      name: 'ViT-B/32 fp32, model alone as it came ÷ matrix products',
      value: (rate('fp32 as it came') * visionMacs()) / peak,
      goal: 0.7,
      direction: 'min',
    },
  ]
  return { ratios, figures: { perSecond: Object.fromEntries(rates), productGflops: (2 * peak) / 1e9 } }
}
