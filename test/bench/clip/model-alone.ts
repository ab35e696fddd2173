import { InferenceSession, Tensor } from 'onnxruntime-node'
import { openModel } from '../../../services/worker/clip/open-model.ts'
import { openVision } from '../../../services/worker/clip/open-vision.ts'
import { refuseTelemetry } from '../../../services/worker/clip/refuse-telemetry.ts'
import { takeTurns } from '../take-turns.ts'
import { PRODUCTS } from './random-clip.ts'

/** Runs a model's image side and nothing else, edited as the service does or as it came; or matrix products. */
type Args = { dir: string; graphDir?: string; batch: number } | { product: string; rows: number; inner: number }

refuseTelemetry()
const args = JSON.parse(process.argv[2] ?? '') as Args
await takeTurns('product' in args ? await productOf(args) : await modelOf(args))

async function modelOf({ dir, graphDir, batch }: Extract<Args, { dir: string }>): Promise<() => Promise<number>> {
  const model = await openModel(dir)
  const session = await openVision(model, { threads: 1, graphDir })
  const { width, height } = model.preprocessing
  const views = Array.from({ length: batch }, (_, view) =>
    Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * (7919 + view)) % 256),
  )
  return async () => (await session.embed(views)).length
}

async function productOf({ product, rows, inner }: Extract<Args, { product: string }>): Promise<() => Promise<number>> {
  const session = await InferenceSession.create(product, { intraOpNumThreads: 1, interOpNumThreads: 1 })
  const x = new Tensor(
    'float32',
    Float32Array.from({ length: rows * inner }, (_, i) => Math.sin(i)),
    [rows, inner],
  )
  return async () => {
    await session.run({ x })
    return PRODUCTS
  }
}
